package cli

import (
	"context"
	"errors"
	"io"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

func kernelCreateAndLoadCommand() *urfave.Command {
	return &urfave.Command{
		Name: "create-and-load", Usage: "create a device, load its table and make it live", ArgsUsage: "[NAME]",
		Description: kernelTableForms + `

The table is checked before the kernel sees it. The node below /dev/mapper is there when this returns. When a step
fails, those before it are undone. Without NAME all devices of FILE are made, in its order and with their names;
those made already are removed again when one fails. UUID, minor number and read-only mode are those of FILE where
no flag says otherwise.
  dmimg kernel create-and-load root --table root.table --readonly`,
		Flags: append(append(kernelTableFlags(), newDeviceFlags()...), kernelNoUdevFlag(), ui.JSONFlag()),
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			source, err := kernelTableSourceOf(c)
			if err != nil {
				return err
			}
			devices, err := newDevices(c, s.In, source)
			if err != nil {
				return err
			}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelCreateAndLoad(ctx, s.Out, ctl, source, devices, c.NArg() == 0, c.Bool("json"))
			})
		}),
	}
}

// newDevices reads the devices to make: the one called NAME, or all of the file.
func newDevices(c *urfave.Context, stdin io.Reader, source kernelTableSource) ([]tables.Device, error) {
	o, err := newDeviceOf(c)
	if err != nil {
		return nil, err
	}
	if c.NArg() == 0 {
		return source.devices(c, stdin, o)
	}
	name, err := deviceName(c.Args().First())
	if err != nil {
		return nil, err
	}
	d, err := source.device(c.Context, stdin, name)
	if err != nil {
		return nil, err
	}
	if o.UUID != "" {
		d.UUID = o.UUID
	}
	if o.Minor != nil {
		d.Minor = o.Minor
	}
	return []tables.Device{d}, nil
}

// devices reads all devices of a file. They must have names, and what is said of a single device cannot be said of them.
func (k kernelTableSource) devices(c *urfave.Context, stdin io.Reader, o kernel.CreateOptions) ([]tables.Device, error) {
	if o.UUID != "" || o.Minor != nil {
		return nil, ui.Usagef("--uuid and --minor need NAME")
	}
	devices, file, err := readTables(c.Context, k.file, stdin)
	if err != nil {
		return nil, err
	}
	for i, d := range devices {
		if d.Name == "" {
			return nil, ui.Usagef("%s does not name its device: give NAME", file)
		}
		if devices[i], err = k.checked(d, file); err != nil {
			return nil, err
		}
	}
	return devices, nil
}

// kernelCreateAndLoad makes devices. All of them are there afterwards, or none.
func kernelCreateAndLoad(ctx context.Context, out io.Writer, ctl *kernel.Control, source kernelTableSource, devices []tables.Device, list, json bool) error {
	made := make([]kernelDevice, 0, len(devices))
	for _, d := range devices {
		o := kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: d.UUID, Minor: d.Minor}, Load: source.load(d)}
		info, err := ctl.CreateAndLoad(ctx, d.Name, o, d.Tables...)
		if err != nil {
			return errors.Join(err, unmake(context.WithoutCancel(ctx), ctl, made))
		}
		made = append(made, deviceOf(info))
	}
	switch {
	case !json:
		return nil
	case list:
		return writeDevices(out, made)
	}
	return ui.WriteJSON(out, made[0])
}

// unmake removes devices, the last one first.
func unmake(ctx context.Context, ctl *kernel.Control, made []kernelDevice) (err error) {
	for _, d := range slices.Backward(made) {
		_, rerr := ctl.Remove(ctx, kernel.ByDevno(kernel.Mkdev(d.Major, d.Minor)), kernel.RemoveOptions{Retry: true})
		err = errors.Join(err, rerr)
	}
	return err
}
