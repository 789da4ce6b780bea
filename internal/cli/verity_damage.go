package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// damageReport is the JSON of verify.
type damageReport struct {
	OK       bool         `json:"ok"`
	RootOK   bool         `json:"root_ok"`
	Data     []blockRange `json:"data"`     // blocks of DATA that are damaged
	Tree     []blockRange `json:"tree"`     // blocks of HASH, from its start
	FEC      []blockRange `json:"fec"`      // blocks of the parity, from its start
	Unproven []blockRange `json:"unproven"` // blocks of DATA under a damaged tree
	Complete bool         `json:"complete"` // false: there is more damage than is listed

	root, found     []byte // root hash that was asked for, and that of the tree
	dataBlockSize   int
	hashBlockSize   int
	parityBlockSize int
	parityOffset    int64
}

// newDamageReport lists the damage of r. left is what a repair could not undo.
func newDamageReport(r, left *verity.Report, p verity.Params, root []byte) *damageReport {
	return &damageReport{
		OK: r.OK(), RootOK: r.RootOK, Complete: !r.More,
		Data: marked(r.Data, left.Data), Tree: marked(r.Tree, left.Tree), FEC: []blockRange{},
		Unproven: marked(r.Unproven, merged(slices.Concat(left.Unproven, left.Data))),
		root:     root, found: r.Root,
		dataBlockSize: p.DataBlockSize, hashBlockSize: p.HashBlockSize, parityBlockSize: p.DataBlockSize,
	}
}

// addParity adds damage of the parity area that begins at offset.
func (d *damageReport) addParity(damaged, left []verity.Range, offset int64) {
	d.FEC, d.parityOffset = marked(damaged, left), offset
	d.OK = d.OK && len(damaged) == 0
}

// isRepairable reports whether everything that is damaged can be repaired.
func (d *damageReport) isRepairable() bool {
	if !d.RootOK || !d.Complete {
		return false
	}
	for _, list := range [][]blockRange{d.Data, d.Tree, d.FEC, d.Unproven} {
		for _, r := range list {
			if !r.Repairable {
				return false
			}
		}
	}
	return true
}

// print writes the report and returns the error to exit with. Damage that can be
// repaired is no error where that is accepted.
func (d *damageReport) print(w io.Writer, asJSON, acceptRepairable bool) error {
	var err error
	if asJSON {
		err = ui.WriteJSON(w, d)
	} else {
		err = d.writeText(w)
	}
	switch {
	case err != nil || d.OK:
		return err
	case !d.RootOK:
		return d.wrongRoot()
	case acceptRepairable && d.isRepairable():
		return nil
	}
	if d.isRepairable() {
		return ui.Hint(ui.Corruptf("%s", d.summary()), "all of it can be repaired from the parity; --accept-repairable lets such images pass")
	}
	return ui.Corruptf("%s", d.summary())
}

// wrongRoot is the error about a root hash that is not the tree's.
func (d *damageReport) wrongRoot() error {
	return ui.Hint(ui.Corruptf("the root hash does not match: %s was given, the tree has %s", hex.EncodeToString(d.root), hex.EncodeToString(d.found)),
		"the image is another one, or the top of its tree is damaged")
}

// summary counts the damage in words.
func (d *damageReport) summary() string {
	text := fmt.Sprintf("%s of data, %s of the tree damaged", count(d.Data), count(d.Tree))
	if len(d.FEC) > 0 {
		text += fmt.Sprintf(", %s of parity", count(d.FEC))
	}
	if len(d.Unproven) > 0 {
		text += fmt.Sprintf(", %s of data not proven", count(d.Unproven))
	}
	return text
}

func (d *damageReport) writeText(w io.Writer) error {
	var b strings.Builder
	for _, part := range []struct {
		what      string
		list      []blockRange
		offset    int64
		blockSize int
	}{
		{"corrupt data", d.Data, 0, d.dataBlockSize},
		{"corrupt tree", d.Tree, 0, d.hashBlockSize},
		{"corrupt parity", d.FEC, d.parityOffset, d.parityBlockSize},
		{"unproven data", d.Unproven, 0, d.dataBlockSize},
	} {
		for _, r := range part.list {
			size := uint64(part.blockSize)
			fmt.Fprintf(&b, "%s blocks %d-%d offset %d length %d", part.what, r.FirstBlock, r.LastBlock,
				uint64(part.offset)+r.FirstBlock*size, r.blocks()*size)
			if r.Repairable {
				b.WriteString(" repairable")
			}
			b.WriteByte('\n')
		}
	}
	if !d.Complete {
		b.WriteString("more ranges are not listed\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// count is the number of blocks in ranges, in words.
func count(ranges []blockRange) string {
	n := uint64(0)
	for _, r := range ranges {
		n += r.blocks()
	}
	if n == 1 {
		return "1 block"
	}
	return fmt.Sprintf("%d blocks", n)
}
