package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelInfoCommand() *urfave.Command {
	return &urfave.Command{
		Name: "info", Usage: "say what the kernel knows of devices", ArgsUsage: "[NAME…]",
		Description: kernelSelectHelp + ` Without any it is all devices.`,
		Flags:       append(selectFlags(), kernelInactiveFlag(), ui.JSONFlag()),
		Action: onDevices(func(c *urfave.Context, s ui.Streams, refs []kernel.Ref) error {
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelInfo(ctx, s.Out, ctl, refs, kernel.InfoOptions{Inactive: c.Bool(inactiveFlag)}, c.Bool("json"))
			})
		}),
	}
}

// kernelInfo prints every field of devices, with an empty line between two.
func kernelInfo(ctx context.Context, out io.Writer, ctl *kernel.Control, refs []kernel.Ref, o kernel.InfoOptions, json bool) error {
	list, err := devicesOf(ctx, ctl, refs, o)
	if err != nil {
		return err
	}
	if json {
		return writeDevices(out, list)
	}
	for i, d := range list {
		if i > 0 {
			if _, err := fmt.Fprintln(out); err != nil {
				return err
			}
		}
		if err := d.write(out); err != nil {
			return err
		}
	}
	return nil
}

// states are the words of the field State, for people.
var states = map[string]string{"running": "running", "suspended": "suspended", "no_table": "no table"}

func (d kernelDevice) write(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	for _, line := range []struct {
		name  string
		value any
	}{
		{"name", showDevice(d.Name)},
		{"uuid", wordOrDash(d.UUID)},
		{"device", fmt.Sprintf("%d:%d", d.Major, d.Minor)},
		{"path", d.Path},
		{"state", states[d.State]},
		{"read-only", yesNo(d.ReadOnly)},
		{"live table", yesNo(d.LiveTable)},
		{"inactive table", yesNo(d.InactiveTable)},
		{"targets", d.Targets},
		{"open count", d.OpenCount},
		{"event number", d.EventNumber},
		{"deferred remove", yesNo(d.DeferredRemove)},
		{"suspended by the kernel", yesNo(d.InternallySuspended)},
	} {
		fmt.Fprintf(t, "%s:\t%v\n", line.name, line.value)
	}
	return t.Flush()
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
