package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

// maxKernelMinor is the limit of minor numbers.
const maxKernelMinor = 1 << 20

func kernelCreateCommand() *urfave.Command {
	return &urfave.Command{
		Name: "create", Usage: "create a device without a table", ArgsUsage: "NAME",
		Description: `The device has no size and no node until "load" and "resume"; "create-and-load" does all three.
  dmimg kernel create data --uuid MINE-1`,
		Flags: append(newDeviceFlags(), ui.JSONFlag()),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			name, err := deviceName(c.Args().First())
			if err != nil {
				return err
			}
			o, err := newDeviceOf(c)
			if err != nil {
				return err
			}
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelCreate(s.Out, ctl, name, o, c.Bool("json"))
			})
		}),
	}
}

// newDeviceFlags are what can be said of a device that is not there yet.
func newDeviceFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "uuid", Usage: "give the device this `UUID` (any text)"},
		&urfave.UintFlag{Name: "minor", Usage: "give the device this minor number `N`"},
	}
}

// newDeviceOf reads [newDeviceFlags].
func newDeviceOf(c *urfave.Context) (o kernel.CreateOptions, err error) {
	if c.IsSet("uuid") {
		o.UUID = c.String("uuid")
		if err := checkUUID(o.UUID); err != nil {
			return o, err
		}
	}
	if c.IsSet("minor") {
		n := c.Uint("minor")
		if n >= maxKernelMinor {
			return o, ui.Usagef("--minor %d: below %d", n, maxKernelMinor)
		}
		minor := uint32(n)
		o.Minor = &minor
	}
	return o, nil
}

// kernelCreate creates a device.
func kernelCreate(out io.Writer, ctl *kernel.Control, name string, o kernel.CreateOptions, json bool) error {
	info, err := ctl.Create(name, o)
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
