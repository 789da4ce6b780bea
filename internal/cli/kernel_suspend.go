package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelSuspendCommand() *urfave.Command {
	return &urfave.Command{
		Name: "suspend", Usage: "wait for the I/O in flight and hold back what comes later", ArgsUsage: "NAME",
		Description: kernelSelectHelp + `
A file system on the device is frozen. While it is suspended, whatever reads or writes it waits for "resume".`,
		Flags: append(append(selectFlags(), suspendFlags()...), ui.JSONFlag()),
		Action: onDevice(0, 0, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, _ []string) error {
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelSuspend(ctx, s.Out, ctl, ref, suspendOf(c), c.Bool("json"))
			})
		}),
	}
}

func suspendFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: noFlushFlag, Usage: "leave queued I/O queued (multipath, thin)"},
		&urfave.BoolFlag{Name: "nolockfs", Usage: "do not freeze a file system on the device"},
	}
}

func suspendOf(c *urfave.Context) kernel.SuspendOptions {
	return kernel.SuspendOptions{NoFlush: c.Bool(noFlushFlag), SkipLockFS: c.Bool("nolockfs")}
}

// kernelSuspend suspends a device.
func kernelSuspend(ctx context.Context, out io.Writer, ctl *kernel.Control, ref kernel.Ref, o kernel.SuspendOptions, json bool) error {
	info, err := ctl.Suspend(ctx, ref, o)
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
