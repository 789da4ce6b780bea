package cli

import (
	"context"
	"io"
	"strconv"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelSetGeometryCommand() *urfave.Command {
	return &urfave.Command{
		Name: "set-geometry", Usage: "set the geometry that old programs ask a disk for", ArgsUsage: "NAME CYLINDERS HEADS SECTORS START",
		Description: kernelSelectHelp + ` START counts 512-byte sectors, and is inside of what the others make.`,
		Flags:       append(selectFlags(), ui.JSONFlag()),
		Action: onDevice(4, 4, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, args []string) error {
			g, err := geometryOf(args)
			if err != nil {
				return err
			}
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelSetGeometry(s.Out, ctl, ref, g, c.Bool("json"))
			})
		}),
	}
}

// geometryOf reads the four numbers of a geometry.
func geometryOf(args []string) (g kernel.Geometry, err error) {
	for i, f := range []struct {
		name string
		max  uint64
		set  func(uint64)
	}{
		{"CYLINDERS", 65535, func(n uint64) { g.Cylinders = uint32(n) }},
		{"HEADS", 255, func(n uint64) { g.Heads = uint32(n) }},
		{"SECTORS", 255, func(n uint64) { g.Sectors = uint32(n) }},
		{"START", 1<<64 - 1, func(n uint64) { g.Start = n }},
	} {
		n, err := strconv.ParseUint(args[i], 10, 64)
		if err != nil || n > f.max {
			return g, ui.Usagef("kernel set-geometry: %s %q: want a number up to %d", f.name, args[i], f.max)
		}
		f.set(n)
	}
	return g, nil
}

// kernelSetGeometry sets the geometry of a device.
func kernelSetGeometry(out io.Writer, ctl *kernel.Control, ref kernel.Ref, g kernel.Geometry, json bool) error {
	if err := ctl.SetGeometry(ref, g); err != nil {
		return err
	}
	if !json {
		return nil
	}
	info, err := ctl.Info(ref, kernel.InfoOptions{})
	if err != nil {
		return err
	}
	return writeDevice(out, json, info)
}
