package cli

import (
	"context"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
)

func tableParseCommand() *urfave.Command {
	return &urfave.Command{
		Name: "parse", Usage: "turn table text into JSON", ArgsUsage: "[FILE]",
		Description: tableForms + `

The JSON names every word of the table, counts bytes where the text counts sectors, and can be turned
back with "dmimg table format". Keys are zeros of the same length, as dmsetup prints them, and their
table has "key_masked": true, unless --show-keys is given.`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "show-keys", Usage: "print keys as they are: whoever sees the output can decrypt"},
			ui.JSONFlag(),
		},
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			return tableParse(c.Context, s, fileArgument(c.Args().First()), c.Bool("show-keys"))
		}),
	}
}

// tableParse prints the tables in file as JSON.
func tableParse(ctx context.Context, s ui.Streams, file string, showKeys bool) error {
	devices, name, err := readTables(ctx, file, s.In)
	if err != nil {
		return err
	}
	if err := tables.EncodeJSON(s.Out, tables.JSONOptions{ShowKeys: showKeys}, devices...); err != nil {
		return tableError(name, err)
	}
	return nil
}
