package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

func kernelLoadCommand() *urfave.Command {
	return &urfave.Command{
		Name: "load", Usage: "stage a table for a device; resume makes it live", ArgsUsage: "NAME",
		Description: kernelTableForms + `

The table is checked before the kernel sees it. A table that was staged before is replaced. ` + kernelSelectHelp + `
  dmimg kernel load data --table new.table && dmimg kernel resume data`,
		Flags: append(append(kernelTableFlags(), selectFlags()...), ui.JSONFlag()),
		Action: onDevice(0, 0, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, _ []string) error {
			source, err := kernelTableSourceOf(c)
			if err != nil {
				return err
			}
			name := ""
			if c.NArg() > 0 {
				name = ref.String()
			}
			d, err := source.device(c.Context, s.In, name)
			if err != nil {
				return err
			}
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelLoad(s.Out, ctl, ref, source.load(d), d.Tables, c.Bool("json"))
			})
		}),
	}
}

// kernelLoad stages tables.
func kernelLoad(out io.Writer, ctl *kernel.Control, ref kernel.Ref, o kernel.LoadOptions, ts []tables.Table, json bool) error {
	info, err := ctl.Load(ref, o, ts...)
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
