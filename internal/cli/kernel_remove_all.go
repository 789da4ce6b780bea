package cli

import (
	"context"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelRemoveAllCommand() *urfave.Command {
	return &urfave.Command{
		Name: "remove-all", Usage: "remove every device of this machine that is not open",
		Description: `Whoever made them: LVM, encrypted disks and multipath are among them. Devices that are open stay and are named on
stderr, which is no failure.`,
		Flags: []urfave.Flag{
			&urfave.BoolFlag{Name: "force", Usage: "needed: yes, all devices"},
			&urfave.BoolFlag{Name: "deferred", Usage: "devices that are open go when they are closed for the last time"},
			kernelNoUdevFlag(), ui.JSONFlag(),
		},
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			if !c.Bool("force") {
				return ui.Hint(ui.Usagef("kernel remove-all removes every device of this machine, also those of others: it needs --force"),
					`"dmimg kernel remove NAME" removes one`)
			}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelRemoveAll(ctx, s, ctl, kernel.RemoveAllOptions{Deferred: c.Bool("deferred")}, c.Bool("json"))
			})
		}),
	}
}

// removedAll is the JSON of `kernel remove-all`.
type removedAll struct {
	Removed []string `json:"removed"`
	Left    []string `json:"left"` // open
}

// kernelRemoveAll removes all devices and says which are left.
func kernelRemoveAll(ctx context.Context, s ui.Streams, ctl *kernel.Control, o kernel.RemoveAllOptions, json bool) error {
	before, err := ctl.List(kernel.ListOptions{})
	if err != nil {
		return err
	}
	if err := ctl.RemoveAll(ctx, o); err != nil {
		return err
	}
	after, err := ctl.List(kernel.ListOptions{})
	if err != nil {
		return err
	}
	r := removedAll{Removed: []string{}, Left: []string{}}
	left := map[uint64]bool{}
	for _, e := range after {
		left[e.DevNo] = true
		r.Left = append(r.Left, e.Name)
		if !json {
			fmt.Fprintf(s.Err, "%s is open: it stays\n", showDevice(e.Name))
		}
	}
	for _, e := range before {
		if !left[e.DevNo] {
			r.Removed = append(r.Removed, e.Name)
		}
	}
	if json {
		return ui.WriteJSON(s.Out, r)
	}
	return nil
}
