package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksEraseCommand() *urfave.Command {
	return &urfave.Command{
		Name: "erase", Usage: "overwrite all key slots of a LUKS image: its data is lost", ArgsUsage: "IMAGE",
		Description: `Afterwards no passphrase opens the data; the volume key, or a backup of the header, still would. No passphrase
is needed. It is done after a YES on the terminal, or with --force.
` + luksEditHelp,
		Flags: editFlags(&urfave.BoolFlag{Name: "force", Usage: "do not ask"}),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().First())
			if err != nil {
				return err
			}
			return luksErase(s, place, c.Bool("force"), c.Bool("json"))
		}),
	}
}

// luksErase removes all key slots.
func luksErase(s ui.Streams, place luksPlace, force, asJSON bool) (err error) {
	e, err := editLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	slots := []int{}
	for _, k := range luksReportOf(e.Header()).Keyslots {
		slots = append(slots, k.ID)
	}
	if !force {
		if err := ui.Confirm(s, e.name+": all key slots will be overwritten, no passphrase will open the data again"); err != nil {
			return err
		}
	}
	if err := e.Erase(); err != nil {
		return e.failed(err)
	}
	if asJSON {
		return ui.WriteJSON(s.Out, struct {
			KeySlots []int `json:"erased_key_slots"`
		}{slots})
	}
	what := "key slots"
	if len(slots) == 1 {
		what = "key slot"
	}
	_, err = fmt.Fprintf(s.Out, "%d %s erased\n", len(slots), what)
	return err
}
