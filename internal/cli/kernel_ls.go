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

func kernelLsCommand() *urfave.Command {
	return &urfave.Command{
		Name: "ls", Usage: "list the devices: name, number, open count, UUID",
		Flags: []urfave.Flag{ui.JSONFlag()},
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelLs(ctx, s.Out, ctl, c.Bool("json"))
			})
		}),
	}
}

// kernelLs lists all devices, in the kernel's order.
func kernelLs(ctx context.Context, out io.Writer, ctl *kernel.Control, json bool) error {
	list, err := devicesOf(ctx, ctl, nil, kernel.InfoOptions{})
	if err != nil {
		return err
	}
	if json {
		return writeDevices(out, list)
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if len(list) > 0 {
		fmt.Fprintln(t, "NAME\tDEVICE\tOPEN\tUUID")
	}
	for _, d := range list {
		fmt.Fprintf(t, "%s\t%d:%d\t%d\t%s\n", showDevice(d.Name), d.Major, d.Minor, d.OpenCount, wordOrDash(d.UUID))
	}
	return t.Flush()
}

// devicesOf asks for the state of devices; none in refs means all.
func devicesOf(ctx context.Context, ctl *kernel.Control, refs []kernel.Ref, o kernel.InfoOptions) ([]kernelDevice, error) {
	var list []kernelDevice
	err := eachDevice(ctx, ctl, refs, func(ref kernel.Ref) error {
		info, err := ctl.Info(ref, o)
		if err == nil {
			list = append(list, deviceOf(info))
		}
		return err
	})
	return list, err
}

// wordOrDash keeps the columns of a list apart: what is empty is a dash.
func wordOrDash(word string) string {
	if word == "" {
		return "-"
	}
	return showDevice(word)
}
