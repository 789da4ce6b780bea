package kernel

import (
	"context"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/tables"
)

// Report is the state of a device together with one line per target. The Params of a
// line are what the call asked for: status, table or measurement.
type Report struct {
	Info  Info
	Lines []tables.Line
}

// StatusOptions of [Control.Status].
type StatusOptions struct {
	Inactive bool // of the staged table
	NoFlush  bool // thin, cache and clone: do not commit metadata first
}

func statusFlags(staged, noFlush bool) uint32 {
	return inactive(staged) | flagIf(noFlush, dmioctl.FlagNoFlush)
}

// Status returns the status text of every target; no lines when there is no table.
func (c *Control) Status(ref Ref, o StatusOptions) (Report, error) {
	k := call{op: "status", command: dmioctl.CmdStatus, ref: ref}
	k.header.Flags = statusFlags(o.Inactive, o.NoFlush)
	return c.report(context.Background(), k)
}

// Measurement returns the text that the kernel's integrity measurement records of every
// target. ErrNotSupported before interface version 4.45.
func (c *Control) Measurement(ref Ref, o StatusOptions) (Report, error) {
	if err := c.need(minorMeasurement, "measurement"); err != nil {
		return Report{}, wrap("measurement", ref.String(), nil, err)
	}
	k := call{op: "measurement", command: dmioctl.CmdStatus, ref: ref, secret: true}
	k.header.Flags = dmioctl.FlagIMAMeasurement | statusFlags(o.Inactive, o.NoFlush)
	return c.report(context.Background(), k)
}

// TableOptions of [Control.Table] and [Control.TableLines].
type TableOptions struct {
	Inactive bool // the staged table
	NoFlush  bool
}

// TableLines returns the table text of every target, keys included: a [tables.Line]
// shows them only when its Params are read.
func (c *Control) TableLines(ref Ref, o TableOptions) (Report, error) {
	k := call{op: "table", command: dmioctl.CmdStatus, ref: ref, secret: true}
	k.header.Flags = dmioctl.FlagStatusTable | statusFlags(o.Inactive, o.NoFlush)
	return c.report(context.Background(), k)
}

// Table returns the tables of a device, typed; a target or form of it that package tables
// does not know is a [tables.RawTable]. It is empty when there is no table. The kernel
// prints words without the backslashes that a load needs: a table whose words hold spaces
// does not come back.
func (c *Control) Table(ref Ref, o TableOptions) ([]tables.Table, error) {
	r, err := c.TableLines(ref, o)
	if err != nil {
		return nil, err
	}
	ts := make([]tables.Table, 0, len(r.Lines))
	for _, line := range r.Lines {
		t, err := typed(line)
		if err != nil {
			return nil, wrap("table", ref.String(), nil, err)
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// typed is the table of a line, raw when its words are not known.
func typed(line tables.Line) (tables.Table, error) {
	t, err := line.Table()
	if err == nil || line.Start > maxSectors || line.Length > maxSectors {
		return t, err
	}
	return tables.RawTable{
		Start: line.Start * SectorSize, Length: line.Length * SectorSize,
		Target: line.Target, Params: line.Params,
	}, nil
}

// maxSectors is the largest number of sectors whose bytes fit 64 bits.
const maxSectors = 1<<64/SectorSize - 1

// report issues a command that answers with one line per target.
func (c *Control) report(ctx context.Context, k call) (Report, error) {
	k.room = &c.textRoom
	var lines []tables.Line
	h, err := c.abandonable(ctx, k, func(r reply) error {
		specs, err := dmioctl.Native.Specs(r.data, int(r.TargetCount), dmioctl.FromFirst)
		lines = make([]tables.Line, len(specs))
		for i, s := range specs {
			lines[i] = tables.Line{Start: s.Start, Length: s.Length, Target: s.Target, Params: s.Params}
		}
		return err
	}, nil)
	if err != nil {
		return Report{}, err
	}
	return Report{Info: c.infoOf(h), Lines: lines}, nil
}

// DepsOptions of [Control.Deps].
type DepsOptions struct {
	Inactive bool // of the staged table
}

// Deps returns the numbers of the devices that the table uses, each once, in no order.
func (c *Control) Deps(ref Ref, o DepsOptions) ([]uint64, error) {
	k := call{command: dmioctl.CmdDeps, ref: ref, room: &c.textRoom}
	k.header.Flags = inactive(o.Inactive)
	var devs []uint64
	_, err := c.do(context.Background(), k, func(r reply) (err error) {
		devs, err = dmioctl.Native.Deps(r.data)
		return err
	})
	return devs, err
}
