package cli

import (
	"context"
	"math"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// kernelTableOptions is what `kernel table` is told.
type kernelTableOptions struct {
	kernel.TableOptions
	showKeys, json bool
}

func kernelTableCommand() *urfave.Command {
	return &urfave.Command{
		Name: "table", Usage: "print the tables of devices", ArgsUsage: "[NAME…]",
		Description: kernelSelectHelp + ` Without any it is all devices, and every line begins with the name.
Keys are zeros of the same length unless --show-keys is given. --json is what "dmimg table parse" prints of the text.
  dmimg kernel table data --show-keys > data.table`,
		Flags: append(
			selectFlags(), kernelInactiveFlag(), kernelNoFlushFlag(),
			&urfave.BoolFlag{Name: "show-keys", Usage: "print keys as they are: whoever sees the output can decrypt"},
			ui.JSONFlag(),
		),
		Action: onDevices(func(c *urfave.Context, s ui.Streams, refs []kernel.Ref) error {
			o := kernelTableOptions{
				TableOptions: kernel.TableOptions{Inactive: c.Bool(inactiveFlag), NoFlush: c.Bool(noFlushFlag)},
				showKeys:     c.Bool("show-keys"), json: c.Bool("json"),
			}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelTable(ctx, s, ctl, refs, o)
			})
		}),
	}
}

func kernelNoFlushFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: noFlushFlag, Usage: "do not let thin, cache and clone commit metadata first"}
}

// kernelTable prints tables.
func kernelTable(ctx context.Context, s ui.Streams, ctl *kernel.Control, refs []kernel.Ref, o kernelTableOptions) error {
	reports, err := reportsOf(ctx, ctl, refs, func(ref kernel.Ref) (kernel.Report, error) {
		return ctl.TableLines(ref, o.TableOptions)
	})
	if err != nil {
		return err
	}
	if o.json {
		return writeTablesJSON(s, reports, o.showKeys)
	}
	show := tables.Line.String
	if o.showKeys {
		show = plainLine
	}
	return writeReports(s.Out, refs, reports, show)
}

func writeTablesJSON(s ui.Streams, reports []kernel.Report, showKeys bool) error {
	devices := make([]tables.Device, 0, len(reports))
	for _, r := range reports {
		d := tables.Device{Name: r.Info.Name, UUID: r.Info.UUID, ReadOnly: r.Info.ReadOnly(), Tables: []tables.Table{}}
		for _, line := range r.Lines {
			t, err := tableOfLine(line)
			if err != nil {
				return err
			}
			d.Tables = append(d.Tables, t)
		}
		devices = append(devices, d)
	}
	return tables.EncodeJSON(s.Out, tables.JSONOptions{ShowKeys: showKeys}, devices...)
}

// tableOfLine is the table of a line of the kernel, as its text when a newer kernel has words that are not known.
func tableOfLine(line tables.Line) (tables.Table, error) {
	t, err := line.Table()
	if err == nil || max(line.Start, line.Length) > math.MaxUint64/tables.SectorSize {
		return t, err
	}
	return tables.RawTable{
		Start: line.Start * tables.SectorSize, Length: line.Length * tables.SectorSize,
		Target: line.Target, Params: line.Params,
	}, nil
}
