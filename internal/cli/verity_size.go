package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

func veritySizeCommand() *urfave.Command {
	flags := append(verityGeometryFlags(), tailFlags()...)
	flags = append(append(flags, fecFlagList()...),
		&urfave.BoolFlag{Name: "fec-in-hash", Usage: "the parity goes into HASH, at --fec-offset (default: right behind the tree)"}, ui.JSONFlag())
	return &urfave.Command{
		Name: "size", Usage: "print the exact size of the tree and parity of BYTES of data, or of the file DATA", ArgsUsage: "BYTES|DATA",
		Description: "With --fec-device, --fec-roots or --fec-in-hash the parity is sized too; no file is written.",
		Flags:       flags,
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			g, err := verityGeometryOf(c)
			if err != nil {
				return err
			}
			tail, err := tailOf(c)
			if err != nil {
				return err
			}
			f, err := sizedParityOf(c)
			if err != nil {
				return err
			}
			return veritySize(c.Context, s, c.Args().First(), g, tail, f, c.Bool("json"))
		}),
	}
}

// sizedParity is the parity that is to be sized.
type sizedParity struct {
	roots  int   // 0: none
	inHash bool  // in HASH
	offset int64 // bytes; -1: right behind the tree
}

// sizedParityOf reads the flags; the name of a FEC device does not matter.
func sizedParityOf(c *urfave.Context) (p sizedParity, err error) {
	if p.inHash = c.Bool("fec-in-hash"); p.inHash {
		if err := unusedFlag(c.IsSet("fec-device"), "fec-device", "--fec-in-hash says where the parity is"); err != nil {
			return p, err
		}
		if err := c.Set("fec-device", "HASH"); err != nil { // so that --fec-offset may be given
			return p, err
		}
	}
	f, err := fecFlagsOf(c)
	if err != nil || !c.IsSet("fec-roots") && f.device == "" {
		return p, err
	}
	p.roots, p.offset = f.roots, f.offset
	if p.inHash && !c.IsSet("fec-offset") {
		p.offset = -1
	}
	return p, nil
}

// veritySizes is what `verity size` prints.
type veritySizes struct {
	DataBlocks     uint64 `json:"data_blocks"`
	DataBytes      int64  `json:"data_bytes"`
	HashBlocks     uint64 `json:"hash_blocks"` // of all levels
	HashLevels     int    `json:"hash_levels"`
	HashBytes      int64  `json:"hash_bytes"`       // of the hash area, the superblock's block included
	HashStartBlock uint64 `json:"hash_start_block"` // of the tree
	HashEndBytes   int64  `json:"hash_end_bytes"`   // the size HASH must have
	FECRoots       int    `json:"fec_roots"`
	FECBlocks      uint64 `json:"fec_blocks"`
	FECBytes       int64  `json:"fec_bytes"`
	FECEndBytes    int64  `json:"fec_end_bytes"` // the size the FEC device, which may be HASH, must have
}

// veritySize works out sizes without reading any data.
func veritySize(ctx context.Context, s ui.Streams, what string, g verityGeometry, tail verity.Tail, f sizedParity, asJSON bool) error {
	size, err := sizeOf(ctx, what)
	if err != nil {
		return err
	}
	p, err := g.params()
	if err != nil {
		return err
	}
	if p.DataBlocks == 0 {
		if p.DataBlocks, err = wholeBlocks(what, size, p.DataBlockSize, tail); err != nil {
			return err
		}
	}
	l, err := verity.NewLayout(p)
	if err != nil {
		return wrongFlags(err)
	}
	z := veritySizes{
		DataBlocks: l.DataBlocks(), DataBytes: l.DataBytes(),
		HashBlocks: l.HashBlocks(), HashLevels: l.Levels(), HashBytes: l.HashEndOffset() - g.hashOffset,
		HashStartBlock: l.HashStart(), HashEndBytes: l.HashEndOffset(),
	}
	if f.roots != 0 {
		if err := z.addParity(f, p, l); err != nil {
			return err
		}
	}
	if asJSON {
		return ui.WriteJSON(s.Out, z)
	}
	return z.writeText(s, f.roots != 0)
}

// addParity works out the parity as format makes it: over data and tree, and in HASH
// over all up to where it begins.
func (z *veritySizes) addParity(f sizedParity, p verity.Params, l verity.Layout) error {
	if p.DataBlockSize != p.HashBlockSize {
		return ui.Usagef("--fec-roots: data and hash blocks must be of one size")
	}
	area := fec.Area{
		BlockSize: p.DataBlockSize, Roots: f.roots, DataBlocks: l.DataBlocks(), HashStart: l.HashStart(), HashBlocks: l.HashBlocks(),
		HashDeviceBytes: l.HashEndOffset(), Offset: f.offset, WithHash: f.inHash,
	}
	if f.offset < 0 {
		area.Offset = l.HashEndOffset()
	}
	params, err := area.Params()
	if err != nil {
		return &ui.Error{Code: ui.ExitWrongUse, Err: err}
	}
	z.FECRoots, z.FECBlocks, z.FECBytes = f.roots, params.ParityBlocks(), params.ParityBytes()
	z.FECEndBytes = area.Offset + z.FECBytes
	return nil
}

func (z veritySizes) writeText(s ui.Streams, withFEC bool) error {
	_, err := fmt.Fprintf(s.Out,
		"data_blocks %d\ndata_bytes %d\nhash_blocks %d\nhash_levels %d\nhash_bytes %d\nhash_start_block %d\nhash_end_bytes %d\n",
		z.DataBlocks, z.DataBytes, z.HashBlocks, z.HashLevels, z.HashBytes, z.HashStartBlock, z.HashEndBytes)
	if err == nil && withFEC {
		_, err = fmt.Fprintf(s.Out, "fec_roots %d\nfec_blocks %d\nfec_bytes %d\nfec_end_bytes %d\n", z.FECRoots, z.FECBlocks, z.FECBytes, z.FECEndBytes)
	}
	return err
}

// sizeOf is the number that text says, or the size of the file that it names.
func sizeOf(ctx context.Context, text string) (int64, error) {
	if n, err := ui.ParseSize(text); err == nil {
		return n, nil
	}
	in, err := openSized(ctx, "DATA", text)
	if err != nil {
		return 0, ui.Hint(err, "give a size such as 1G, or a file")
	}
	defer in.Close()
	return in.Size(), nil
}
