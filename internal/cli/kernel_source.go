package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// kernelTableForms describes --table of the kernel verbs.
var kernelTableForms = strings.Replace(tableForms, `FILE (or standard input, when it is left out or "-")`, `The FILE of --table ("-" is standard input)`, 1)

// kernelTableSource says where tables come from and how they are loaded.
type kernelTableSource struct {
	file                string
	readOnly, unchecked bool
}

func kernelTableFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "table", Usage: "read the table from `FILE`; - is standard input"},
		&urfave.BoolFlag{Name: "readonly", Usage: "make the device read-only, as verity needs it"},
		&urfave.BoolFlag{Name: "unchecked", Usage: "let the kernel alone judge the table"},
	}
}

func kernelTableSourceOf(c *urfave.Context) (kernelTableSource, error) {
	s := kernelTableSource{file: c.String("table"), readOnly: c.Bool("readonly"), unchecked: c.Bool("unchecked")}
	if s.file == "" {
		return s, &ui.Error{
			Code: ui.ExitWrongUse, Hint: "usage: " + usageLine(c.Command),
			Err: fmt.Errorf("%s: give --table FILE, or --table - for standard input", strings.TrimPrefix(c.Command.HelpName, "dmimg ")),
		}
	}
	return s, nil
}

// device reads the table of the device called name; "" when it is not called by name. Of a file with one device
// it is that one, whatever its name.
func (k kernelTableSource) device(ctx context.Context, stdin io.Reader, name string) (tables.Device, error) {
	devices, file, err := readTables(ctx, k.file, stdin)
	if err != nil {
		return tables.Device{}, err
	}
	d := devices[0]
	if len(devices) > 1 {
		var known []string
		found := false
		for _, each := range devices {
			known = append(known, each.Name)
			if each.Name == name {
				d, found = each, true
			}
		}
		if !found {
			return d, &ui.Error{
				Code: ui.ExitFailed, Hint: "it holds " + strings.Join(known, ", "),
				Err: fmt.Errorf("%s holds %d devices, none of them %q", file, len(devices), name),
			}
		}
	}
	d.Name = name
	return k.checked(d, file)
}

// checked is a device that passed the checks, and is read-only if that was asked for.
func (k kernelTableSource) checked(d tables.Device, file string) (tables.Device, error) {
	d.ReadOnly = d.ReadOnly || k.readOnly
	if k.unchecked {
		return d, nil
	}
	if len(d.Tables) == 0 {
		return d, ui.Failf("%s: device %q has no table", file, d.Name)
	}
	if err := d.Validate(); err != nil {
		return d, ui.Hint(tableError(file, err), "nothing was loaded; --unchecked lets the kernel alone judge")
	}
	for _, t := range d.Tables {
		if tables.TargetType(t) == "verity" && !d.ReadOnly {
			return d, ui.Hint(ui.Failf("%s: the verity target takes read-only devices only", file), "add --readonly")
		}
	}
	return d, nil
}

// load are the options of the load of a device.
func (k kernelTableSource) load(d tables.Device) kernel.LoadOptions {
	return kernel.LoadOptions{ReadOnly: d.ReadOnly, Unchecked: k.unchecked}
}
