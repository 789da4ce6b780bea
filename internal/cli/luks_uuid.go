package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksUUIDCommand() *urfave.Command {
	return &urfave.Command{
		Name: "uuid", Usage: "print the UUID of a LUKS image", ArgsUsage: "IMAGE",
		Flags: append(luksPlaceFlags(), ui.JSONFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().First())
			if err != nil {
				return err
			}
			return luksUUID(s, place, c.Bool("json"))
		}),
	}
}

// luksUUID prints the UUID.
func luksUUID(s ui.Streams, place luksPlace, asJSON bool) (err error) {
	im, err := openLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(im, &err)
	uuid := im.header.UUID()
	if asJSON {
		return ui.WriteJSON(s.Out, struct {
			UUID string `json:"uuid"`
		}{uuid})
	}
	_, err = fmt.Fprintln(s.Out, printable(uuid))
	return err
}
