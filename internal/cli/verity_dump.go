package cli

import (
	"cmp"
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

func verityDumpCommand() *urfave.Command {
	return &urfave.Command{
		Name: "dump", Usage: "print the superblock of HASH and the geometry of its tree", ArgsUsage: "HASH",
		Flags: []urfave.Flag{
			ui.SizeFlag("hash-offset", "where the hash area begins in HASH, in `BYTES` (default: 0)"),
			&urfave.StringFlag{Name: "compat", Usage: "print as veritysetup `VERSION` 2.6 or 2.8 does", Value: compat28},
			ui.JSONFlag(),
		},
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			style, err := compatOf(c)
			if err != nil {
				return err
			}
			return verityDump(c.Context, s, verityDumpOptions{
				hash: c.Args().First(), hashOffset: ui.SizeOf(c, "hash-offset", 0), style: style, json: c.Bool("json"),
			})
		}),
	}
}

// verityDumpOptions is what `verity dump` is told.
type verityDumpOptions struct {
	hash       string
	shown      string // the name of HASH in the title; "": hash
	hashOffset int64  // bytes
	fec        fecFlags
	style      string
	json       bool
}

// verityLevel is one level of the tree in the JSON of dump; level 0 is next to the data.
type verityLevel struct {
	Level      int    `json:"level"`
	FirstBlock uint64 `json:"first_block"` // of HASH, from its start
	Blocks     uint64 `json:"blocks"`
}

// verityDump prints what the superblock says.
func verityDump(ctx context.Context, s ui.Streams, o verityDumpOptions) error {
	hash, err := openSized(ctx, "HASH", o.hash)
	if err != nil {
		return err
	}
	defer hash.Close()
	p, sb, err := verityGeometry{hashOffset: o.hashOffset}.readGeometry(hash)
	if err != nil {
		return err
	}
	l, err := verity.NewLayout(p)
	if err != nil {
		return ui.Failf("%s: superblock: %w", hash.Name(), err)
	}
	r := newVerityReport(p, l, o.hashOffset, cmp.Or(o.shown, o.hash))
	r.UUID = formatUUID(sb.UUID)
	if err := o.addFEC(ctx, &r, hash, p, l); err != nil {
		return err
	}
	if !o.json {
		return r.writeText(s.Out, o.style)
	}
	levels := make([]verityLevel, 0, l.Levels())
	for i := range l.Levels() {
		levels = append(levels, verityLevel{i, l.LevelStart(i), l.LevelBlocks(i)})
	}
	return ui.WriteJSON(s.Out, struct {
		verityReport
		Levels []verityLevel `json:"levels"`
	}{r, levels})
}

// addFEC adds what the flags say about parity; how much there is follows from what it
// covers of HASH.
func (o verityDumpOptions) addFEC(ctx context.Context, r *verityReport, hash *ui.Input, p verity.Params, l verity.Layout) error {
	if o.fec.device == "" {
		return nil
	}
	parity, err := openSized(ctx, "the FEC device", o.fec.device)
	if err != nil {
		return err
	}
	defer parity.Close()
	area := coveredArea(o.fec, parity, hash, p, l)
	area.Offset -= area.Offset % fecOffsetUnit
	params, err := area.Params()
	if err != nil && area.WithHash { // an area over the tree: veritysetup tells of that, too
		params = fec.Params{Roots: area.Roots, BlockSize: area.BlockSize, Blocks: area.DataBlocks}
		if end := uint64(area.Offset) / uint64(area.BlockSize); end > area.HashStart {
			params.Blocks += end - area.HashStart
		}
		err = params.Validate()
	}
	if err != nil {
		return ui.Failf("%s: %w", o.fec.device, err)
	}
	r.addFEC(params, area.WithHash, o.fec.offset)
	return nil
}
