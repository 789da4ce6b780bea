package difftest

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// make builds the tree and its parity in the files of the disks, does the damage, and
// returns the values of the placeholders.
func (t *tree) make(files []string) (map[string]string, error) {
	var open []*os.File
	for _, path := range files {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		open = append(open, f)
	}
	for _, block := range t.zeros {
		if _, err := open[0].WriteAt(make([]byte, t.DataBlockSize), int64(block)*int64(t.DataBlockSize)); err != nil {
			return nil, err
		}
	}
	ctx := context.Background()
	root, err := verity.Build(ctx, open[0], open[1], t.Params)
	if err != nil {
		return nil, err
	}
	words := map[string]string{"root": hex.EncodeToString(root), "salt": "-"}
	if len(t.Salt) > 0 {
		words["salt"] = hex.EncodeToString(t.Salt)
	}
	if t.roots > 0 {
		covered, err := t.parity(ctx, open)
		if err != nil {
			return nil, err
		}
		words["fec"] = fmt.Sprint(covered)
	}
	for _, d := range t.damage {
		err = errors.Join(err, d.do(open[d.disk]))
	}
	return words, err
}

// parity encodes what is covered to the third disk, and returns the number of blocks.
func (t *tree) parity(ctx context.Context, open []*os.File) (uint64, error) {
	layout, err := verity.NewLayout(t.Params)
	if err != nil {
		return 0, err
	}
	area := fec.Area{
		BlockSize: t.DataBlockSize, Roots: t.roots, DataBlocks: t.DataBlocks, HashStart: layout.HashStart(),
		HashBlocks: layout.HashBlocks(), HashDeviceBytes: layout.HashEndOffset(),
	}
	p, err := area.Params()
	if err != nil {
		return 0, err
	}
	return p.Blocks, fec.Encode(ctx, area.Stream(open[0], open[1]), open[2], 0, p)
}

// do damages a file. Every byte changes, so that a checksum sees it too.
func (d damage) do(f *os.File) error {
	p := make([]byte, d.length)
	if _, err := f.ReadAt(p, d.offset); err != nil {
		return err
	}
	for i := range p {
		if p[i] ^= 0x5a; d.zero {
			p[i] = 0
		}
	}
	_, err := f.WriteAt(p, d.offset)
	return err
}
