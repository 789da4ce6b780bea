package cli

import (
	"context"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

func kernelStatusCommand() *urfave.Command {
	return &urfave.Command{
		Name: "status", Usage: "print what the targets of devices say of themselves", ArgsUsage: "[NAME…]",
		Description: kernelSelectHelp + ` Without any it is all devices, and every line begins with the name.
The text is the kernel's; --json has the same with a name and a unit for every word.
  dmimg kernel status pool --json`,
		Flags: append(selectFlags(), kernelInactiveFlag(), kernelNoFlushFlag(), ui.JSONFlag()),
		Action: onDevices(func(c *urfave.Context, s ui.Streams, refs []kernel.Ref) error {
			o := kernel.StatusOptions{Inactive: c.Bool(inactiveFlag), NoFlush: c.Bool(noFlushFlag)}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelStatus(ctx, s.Out, ctl, refs, o, c.Bool("json"))
			})
		}),
	}
}

// deviceStatus is a device in the JSON of `kernel status`.
type deviceStatus struct {
	Name        string         `json:"name"`
	UUID        string         `json:"uuid"`
	State       string         `json:"state"`
	EventNumber uint32         `json:"event_number"`
	Targets     []targetStatus `json:"targets"`
}

// targetStatus is what one target says.
type targetStatus struct {
	Target  string        `json:"target"`
	Text    string        `json:"text"`              // the kernel's
	Status  tables.Status `json:"status"`            // the same, word by word; null when it cannot be read
	Problem string        `json:"problem,omitempty"` // why
}

// kernelStatus prints the status of devices.
func kernelStatus(ctx context.Context, out io.Writer, ctl *kernel.Control, refs []kernel.Ref, o kernel.StatusOptions, json bool) error {
	reports, err := reportsOf(ctx, ctl, refs, func(ref kernel.Ref) (kernel.Report, error) { return ctl.Status(ref, o) })
	if err != nil {
		return err
	}
	if !json {
		return writeReports(out, refs, reports, plainLine)
	}
	list := make([]deviceStatus, 0, len(reports))
	for _, r := range reports {
		list = append(list, statusOf(r))
	}
	return writeDevices(out, list)
}

func statusOf(r kernel.Report) deviceStatus {
	d := deviceStatus{
		Name: r.Info.Name, UUID: r.Info.UUID, State: deviceOf(r.Info).State,
		EventNumber: r.Info.EventNr, Targets: []targetStatus{},
	}
	for _, line := range r.Lines {
		t := targetStatus{Target: line.Target, Text: line.Params}
		status, err := line.Status()
		if err != nil {
			t.Problem = err.Error()
		} else {
			t.Status = status
		}
		d.Targets = append(d.Targets, t)
	}
	return d
}
