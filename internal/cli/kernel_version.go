package cli

import (
	"context"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelVersionCommand() *urfave.Command {
	return &urfave.Command{
		Name: "version", Usage: "print the version of the kernel's device-mapper interface",
		Flags: []urfave.Flag{ui.JSONFlag()},
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelVersion(s.Out, ctl, c.Bool("json"))
			})
		}),
	}
}

// kernelVersion prints the version of the interface.
func kernelVersion(out io.Writer, ctl *kernel.Control, json bool) error {
	if json {
		return ui.WriteJSON(out, versionOf("", ctl.Version()))
	}
	_, err := fmt.Fprintln(out, ctl.Version())
	return err
}
