package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelRenameCommand() *urfave.Command {
	return &urfave.Command{
		Name: "rename", Usage: "give a device another name", ArgsUsage: "OLD NEW",
		Description: "The node below /dev/mapper gets the new name too. --uuid and --devno take the place of OLD.",
		Flags:       append(selectFlags(), kernelNoUdevFlag(), ui.JSONFlag()),
		Action: onDevice(1, 1, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, args []string) error {
			name, err := deviceName(args[0])
			if err != nil {
				return err
			}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelRename(ctx, s.Out, ctl, ref, name, c.Bool("json"))
			})
		}),
	}
}

// kernelRename renames a device.
func kernelRename(ctx context.Context, out io.Writer, ctl *kernel.Control, ref kernel.Ref, name string, json bool) error {
	info, err := ctl.Rename(ctx, ref, name, kernel.UdevOptions{})
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
