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
	flags = append(append(flags, fecFlagList()...), ui.JSONFlag())
	return &urfave.Command{
		Name: "size", Usage: "print the exact size of the tree and parity of BYTES of data, or of the file DATA", ArgsUsage: "BYTES|DATA",
		Description: "With --fec-device or --fec-roots the parity is sized too; no file is written.",
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
			f, err := fecFlagsOf(c)
			if err != nil {
				return err
			}
			if !c.IsSet("fec-roots") && !c.IsSet("fec-device") {
				f.roots = 0
			}
			return veritySize(c.Context, s, c.Args().First(), g, tail, f.roots, c.Bool("json"))
		}),
	}
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
}

// veritySize works out sizes without reading any data. roots 0 means no parity.
func veritySize(ctx context.Context, s ui.Streams, what string, g verityGeometry, tail verity.Tail, roots int, asJSON bool) error {
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
	if roots != 0 {
		if p.DataBlockSize != p.HashBlockSize {
			return ui.Usagef("--fec-roots: data and hash blocks must be of one size")
		}
		f := fec.Params{Roots: roots, BlockSize: p.DataBlockSize, Blocks: l.DataBlocks() + l.HashBlocks()}
		if err := f.Validate(); err != nil {
			return &ui.Error{Code: ui.ExitWrongUse, Err: err}
		}
		z.FECRoots, z.FECBytes = roots, f.ParityBytes()
		z.FECBlocks = f.ParityBlocks()
	}
	if asJSON {
		return ui.WriteJSON(s.Out, z)
	}
	return z.writeText(s, roots != 0)
}

func (z veritySizes) writeText(s ui.Streams, withFEC bool) error {
	_, err := fmt.Fprintf(s.Out,
		"data_blocks %d\ndata_bytes %d\nhash_blocks %d\nhash_levels %d\nhash_bytes %d\nhash_start_block %d\nhash_end_bytes %d\n",
		z.DataBlocks, z.DataBytes, z.HashBlocks, z.HashLevels, z.HashBytes, z.HashStartBlock, z.HashEndBytes)
	if err == nil && withFEC {
		_, err = fmt.Fprintf(s.Out, "fec_roots %d\nfec_blocks %d\nfec_bytes %d\n", z.FECRoots, z.FECBlocks, z.FECBytes)
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
