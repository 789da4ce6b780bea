package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelDepsCommand() *urfave.Command {
	return &urfave.Command{
		Name: "deps", Usage: "list the devices that the tables of devices use", ArgsUsage: "[NAME…]",
		Description: kernelSelectHelp + ` Without any it is all devices, and every line begins with the name.
A used device is a line MAJOR:MINOR, with its name behind it where it is a mapped device itself.`,
		Flags: append(selectFlags(), kernelInactiveFlag(), ui.JSONFlag()),
		Action: onDevices(func(c *urfave.Context, s ui.Streams, refs []kernel.Ref) error {
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelDeps(ctx, s.Out, ctl, refs, kernel.DepsOptions{Inactive: c.Bool(inactiveFlag)}, c.Bool("json"))
			})
		}),
	}
}

// deviceDeps is a device in the JSON of `kernel deps`.
type deviceDeps struct {
	Name string       `json:"name"`
	UUID string       `json:"uuid"`
	Uses []usedDevice `json:"uses"`
}

type usedDevice struct {
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
	Name  string `json:"name,omitempty"` // of a mapped device
}

// kernelDeps lists what devices use, in the order of the numbers.
func kernelDeps(ctx context.Context, out io.Writer, ctl *kernel.Control, refs []kernel.Ref, o kernel.DepsOptions, json bool) error {
	var list []deviceDeps
	names := map[uint64]string{}
	err := eachDevice(ctx, ctl, refs, func(ref kernel.Ref) error {
		info, err := ctl.Info(ref, kernel.InfoOptions{})
		if err != nil {
			return err
		}
		devs, err := ctl.Deps(ref, o)
		if err != nil {
			return err
		}
		slices.Sort(devs)
		d := deviceDeps{Name: info.Name, UUID: info.UUID, Uses: []usedDevice{}}
		for _, devno := range devs {
			name, err := nameOf(ctl, names, devno)
			if err != nil {
				return err
			}
			d.Uses = append(d.Uses, usedDevice{Major: kernel.Major(devno), Minor: kernel.Minor(devno), Name: name})
		}
		list = append(list, d)
		return nil
	})
	if err != nil {
		return err
	}
	if json {
		return writeDevices(out, list)
	}
	return writeDeps(out, list, len(refs) != 1)
}

// nameOf is the name of the mapped device of this number; "" when it is none. names has those that are known.
func nameOf(ctl *kernel.Control, names map[uint64]string, devno uint64) (string, error) {
	if name, ok := names[devno]; ok {
		return name, nil
	}
	info, err := ctl.Info(kernel.ByDevno(devno), kernel.InfoOptions{})
	if err != nil && !errors.Is(err, kernel.ErrNotFound) {
		return "", err
	}
	names[devno] = info.Name
	return info.Name, nil
}

func writeDeps(out io.Writer, list []deviceDeps, named bool) error {
	var b strings.Builder
	for _, d := range list {
		prefix := ""
		if named {
			prefix = showDevice(d.Name) + ": "
			if len(d.Uses) == 0 {
				fmt.Fprintln(&b, strings.TrimSpace(prefix))
			}
		}
		for _, u := range d.Uses {
			fmt.Fprintf(&b, "%s%d:%d", prefix, u.Major, u.Minor)
			if u.Name != "" {
				b.WriteString(" " + showDevice(u.Name))
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
