package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksConvertCommand() *urfave.Command {
	return &urfave.Command{
		Name: "convert", Usage: "make the header of a LUKS image one of the other version", ArgsUsage: "IMAGE",
		Description: `Passphrases, volume key and data stay. LUKS1 has a place only for key slots 0 to 7 with pbkdf2 and one hash,
sectors of 512 bytes, and no tags, tokens or label: what else there is, is named and nothing is changed.
` + luksEditHelp + `
  dmimg luks convert disk.img --type luks2`,
		Flags: editFlags(&urfave.StringFlag{Name: "type", Aliases: []string{"to"}, Usage: "`VERSION` to convert to: luks1 or luks2"}),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().First())
			if err != nil {
				return err
			}
			switch t := c.String("type"); t {
			case "luks1":
				return luksConvert(c.Context, s, place, 1, c.Bool("json"))
			case "luks2":
				return luksConvert(c.Context, s, place, 2, c.Bool("json"))
			default:
				return ui.Usagef("--type %q: luks1 or luks2", t)
			}
		}),
	}
}

// luksConvert changes the version of a header.
func luksConvert(ctx context.Context, s ui.Streams, place luksPlace, version int, asJSON bool) (err error) {
	e, err := editLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	if e.Header().Version == version {
		return ui.Failf("%s is LUKS%d already", e.name, version)
	}
	if err := e.Convert(ctx, version); err != nil {
		return ui.Failf("%s: %w", e.name, err) // what LUKS1 cannot have is no wrong use
	}
	if asJSON {
		return ui.WriteJSON(s.Out, luksReportOf(e.Header()))
	}
	_, err = fmt.Fprintf(s.Out, "%s is LUKS%d now\n", printable(e.name), version)
	return err
}
