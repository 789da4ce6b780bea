package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelClearCommand() *urfave.Command {
	return &urfave.Command{
		Name: "clear", Usage: "drop the staged table of a device", ArgsUsage: "NAME",
		Description: kernelSelectHelp + ` That there is none is no error.`,
		Flags:       append(selectFlags(), ui.JSONFlag()),
		Action: onDevice(0, 0, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, _ []string) error {
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelClear(s.Out, ctl, ref, c.Bool("json"))
			})
		}),
	}
}

// kernelClear drops a staged table.
func kernelClear(out io.Writer, ctl *kernel.Control, ref kernel.Ref, json bool) error {
	info, err := ctl.Clear(ref)
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
