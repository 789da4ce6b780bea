package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

func luksRepairCommand() *urfave.Command {
	return &urfave.Command{
		Name: "repair", Usage: "mend the header of a LUKS image", ArgsUsage: "IMAGE",
		Description: `Of LUKS2 the copy of the header that is damaged or older is made anew from the other; of LUKS1 what can have
one value only is put back. What was done is printed; key slots and data stay as they are. Exit status 1: it
cannot be mended, and nothing was changed.
` + luksEditHelp,
		Flags: editFlags(&urfave.BoolFlag{Name: "dry-run", Usage: "say what would be done, and change nothing"}),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().First())
			if err != nil {
				return err
			}
			return luksRepair(s, place, c.Bool("dry-run"), c.Bool("json"))
		}),
	}
}

// luksRepair mends a header.
func luksRepair(s ui.Streams, place luksPlace, dryRun, asJSON bool) (err error) {
	file, storage, err := openHeader(s, place, !dryRun)
	if err != nil {
		return err
	}
	defer closeInto(file, &err)
	if dryRun {
		storage = unwritten{storage}
	}
	done, err := luks.Repair(storage)
	if err != nil {
		return place.headerFailed(file, err)
	}
	if asJSON {
		return ui.WriteJSON(s.Out, struct {
			Repaired []string `json:"repaired"`
			DryRun   bool     `json:"dry_run"`
		}{elements(done), dryRun})
	}
	if len(done) == 0 {
		done = []string{"nothing is to be repaired"}
	}
	for _, line := range done {
		if _, err := fmt.Fprintln(s.Out, printable(line)); err != nil {
			return err
		}
	}
	return nil
}

// unwritten is storage that takes writes and keeps none.
type unwritten struct{ luks.Storage }

// WriteAt does nothing.
func (unwritten) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
