package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelWaitCommand() *urfave.Command {
	return &urfave.Command{
		Name: "wait", Usage: "wait until a target of a device reports something", ArgsUsage: "NAME [EVENT]",
		Description: kernelSelectHelp + `
It returns when the device's event number is another one than EVENT, which is the present one when it is left out,
and prints the new number. To lose no event, give the number that the last "wait" printed. That the device is removed
meanwhile is a failure.
  dmimg kernel wait pool 7`,
		Flags: append(selectFlags(), ui.JSONFlag()),
		Action: onDevice(0, 1, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, args []string) error {
			var event *uint32
			if len(args) > 0 {
				n, err := strconv.ParseUint(args[0], 10, 32)
				if err != nil {
					return ui.Usagef("kernel wait: event number %q: want a number below 2^32", args[0])
				}
				number := uint32(n)
				event = &number
			}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelWait(ctx, s.Out, ctl, ref, event, c.Bool("json"))
			})
		}),
	}
}

// kernelWait waits until the event number of a device differs from event; nil is the present one.
func kernelWait(ctx context.Context, out io.Writer, ctl *kernel.Control, ref kernel.Ref, event *uint32, json bool) error {
	if event == nil {
		info, err := ctl.Info(ref, kernel.InfoOptions{})
		if err != nil {
			return err
		}
		event = &info.EventNr
	}
	r, err := ctl.Wait(ctx, ref, *event, kernel.WaitOptions{NoFlush: true})
	if err != nil {
		return err
	}
	if json {
		return ui.WriteJSON(out, statusOf(r))
	}
	_, err = fmt.Fprintln(out, r.Info.EventNr)
	return err
}
