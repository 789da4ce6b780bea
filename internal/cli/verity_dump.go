package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
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
			return verityDump(c.Context, s, c.Args().First(), ui.SizeOf(c, "hash-offset", 0), style, c.Bool("json"))
		}),
	}
}

// verityLevel is one level of the tree in the JSON of dump; level 0 is next to the data.
type verityLevel struct {
	Level      int    `json:"level"`
	FirstBlock uint64 `json:"first_block"` // of HASH, from its start
	Blocks     uint64 `json:"blocks"`
}

// verityDump prints what the superblock says.
func verityDump(ctx context.Context, s ui.Streams, path string, offset int64, style string, asJSON bool) error {
	hash, err := openSized(ctx, "HASH", path)
	if err != nil {
		return err
	}
	defer hash.Close()
	p, sb, err := verityGeometry{hashOffset: offset}.readGeometry(hash)
	if err != nil {
		return err
	}
	l, err := verity.NewLayout(p)
	if err != nil {
		return ui.Failf("%s: superblock: %w", hash.Name(), err)
	}
	r := newVerityReport(p, l, offset, path)
	r.UUID = formatUUID(sb.UUID)
	if !asJSON {
		return r.writeText(s.Out, style)
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
