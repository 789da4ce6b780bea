package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelResumeCommand() *urfave.Command {
	return &urfave.Command{
		Name: "resume", Usage: "make the staged table live, if there is one, and let I/O through", ArgsUsage: "NAME",
		Description: kernelSelectHelp + `
The node below /dev/mapper is there when this returns.`,
		Flags: append(append(selectFlags(), suspendFlags()...), kernelNoUdevFlag(), ui.JSONFlag()),
		Action: onDevice(0, 0, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, _ []string) error {
			sus := suspendOf(c)
			o := kernel.ResumeOptions{NoFlush: sus.NoFlush, SkipLockFS: sus.SkipLockFS}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelResume(ctx, s.Out, ctl, ref, o, c.Bool("json"))
			})
		}),
	}
}

// kernelResume resumes a device.
func kernelResume(ctx context.Context, out io.Writer, ctl *kernel.Control, ref kernel.Ref, o kernel.ResumeOptions, json bool) error {
	info, err := ctl.Resume(ctx, ref, o)
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
