package cli

import (
	"context"
	"errors"
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelRemoveCommand() *urfave.Command {
	return &urfave.Command{
		Name: "remove", Usage: "remove devices and their nodes", ArgsUsage: "NAME…",
		Description: kernelSelectHelp + `
A device that is open is not removed, unless --deferred is given. Of several devices all are tried, in this order.`,
		Flags: append(
			selectFlags(),
			&urfave.BoolFlag{Name: "deferred", Usage: "a device that is open goes when it is closed for the last time"},
			&urfave.BoolFlag{Name: "retry", Usage: "try for 5 seconds while a device is open"},
			kernelNoUdevFlag(), ui.JSONFlag(),
		),
		Action: onDevices(func(c *urfave.Context, s ui.Streams, refs []kernel.Ref) error {
			if len(refs) == 0 {
				return ui.Hint(ui.Usagef("kernel remove: say which device"), `"dmimg kernel remove-all --force" removes all of them`)
			}
			o := kernel.RemoveOptions{Deferred: c.Bool("deferred"), Retry: c.Bool("retry")}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelRemove(ctx, s, ctl, refs, o, c.Bool("json"))
			})
		}),
	}
}

// removedDevice is the JSON of one device of `kernel remove`.
type removedDevice struct {
	Device   string `json:"device"` // as it was called
	Removed  bool   `json:"removed"`
	Deferred bool   `json:"deferred"` // goes when it is closed
	Problem  string `json:"problem,omitempty"`
}

// kernelRemove removes devices, and goes on after one that cannot be removed.
func kernelRemove(ctx context.Context, s ui.Streams, ctl *kernel.Control, refs []kernel.Ref, o kernel.RemoveOptions, json bool) error {
	var failed error
	list := make([]removedDevice, 0, len(refs))
	for _, ref := range refs {
		deferred, err := ctl.Remove(ctx, ref, o)
		r := removedDevice{Device: ref.String(), Removed: err == nil && !deferred, Deferred: deferred}
		if err != nil {
			r.Problem = err.Error()
			failed = errors.Join(failed, err)
		}
		if deferred && !json {
			fmt.Fprintf(s.Err, "%s is open: it goes when it is closed\n", showDevice(ref.String()))
		}
		list = append(list, r)
	}
	if json {
		if err := writeDevices(s.Out, list); err != nil {
			return err
		}
	}
	return failed
}
