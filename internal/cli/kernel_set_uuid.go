package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelSetUUIDCommand() *urfave.Command {
	return &urfave.Command{
		Name: "set-uuid", Usage: "give a UUID to a device that has none", ArgsUsage: "NAME UUID",
		Description: `The kernel takes any text as a UUID, and changes none that is there. --uuid may say it instead of the argument;
--devno takes the place of NAME.`,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "uuid", Usage: "the new `UUID`, instead of the argument"},
			devnoFlag(), kernelNoUdevFlag(), ui.JSONFlag(),
		},
		Action: func(c *urfave.Context) error {
			named, want := 1, 1
			if c.IsSet("devno") {
				named = 0
			}
			if c.IsSet("uuid") {
				want = 0
			}
			return verb(named+want, named+want, func(c *urfave.Context, s ui.Streams) error {
				words := append(c.Args().Slice(), c.String("uuid"))
				ref, err := nameOrDevno(c, words[:named])
				if err != nil {
					return err
				}
				uuid := words[named]
				if err := checkUUID(uuid); err != nil {
					return err
				}
				return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
					return kernelSetUUID(ctx, s.Out, ctl, ref, uuid, c.Bool("json"))
				})
			})(c)
		},
	}
}

// nameOrDevno is the device of a name or of --devno.
func nameOrDevno(c *urfave.Context, names []string) (kernel.Ref, error) {
	if len(names) == 0 {
		return devnoRef(c.String("devno"))
	}
	name, err := deviceName(names[0])
	return kernel.ByName(name), err
}

// kernelSetUUID gives a device a UUID.
func kernelSetUUID(ctx context.Context, out io.Writer, ctl *kernel.Control, ref kernel.Ref, uuid string, json bool) error {
	info, err := ctl.SetUUID(ctx, ref, uuid, kernel.UdevOptions{})
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
