package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func integrityDumpCommand() *urfave.Command {
	return &urfave.Command{
		Name: "dump", Usage: "print the superblock of DEV", ArgsUsage: "DEV",
		Description: "DEV is the device that holds the superblock: the meta device, if tags are apart from the data.",
		Flags:       []urfave.Flag{ui.SizeFlag("offset", "where the superblock is, in `BYTES` (default: 0)"), ui.JSONFlag()},
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			return integrityDump(c.Context, s, c.Args().First(), ui.SizeOf(c, "offset", 0), c.Bool("json"))
		}),
	}
}

// integrityDump prints what the superblock says.
func integrityDump(ctx context.Context, s ui.Streams, path string, offset int64, asJSON bool) error {
	sb, in, err := openSuperblock(ctx, path, offset)
	if err != nil {
		return err
	}
	defer in.Close()
	if asJSON {
		return ui.WriteJSON(s.Out, newIntegritySuperblock(sb))
	}
	_, err = fmt.Fprintf(s.Out, "Info for integrity device %s.\n%s", path, sb.Text())
	return err
}
