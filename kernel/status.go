package kernel

import (
	"context"

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

// Status returns the status text of every target; no lines when there is no table.
func (c *Control) Status(ref Ref, o StatusOptions) (Report, error) {
	return Report{}, &Error{Op: "status", Name: ref.String(), Err: ErrNotSupported}
}

// Measurement returns the text that the kernel's integrity measurement records of every
// target. ErrNotSupported before interface version 4.45.
func (c *Control) Measurement(ref Ref, o StatusOptions) (Report, error) {
	return Report{}, &Error{Op: "measurement", Name: ref.String(), Err: ErrNotSupported}
}

// TableOptions of [Control.Table] and [Control.TableLines].
type TableOptions struct {
	Inactive bool // the staged table
	NoFlush  bool
}

// TableLines returns the table text of every target, keys included: a [tables.Line]
// shows them only when its Params are read.
func (c *Control) TableLines(ref Ref, o TableOptions) (Report, error) {
	return Report{}, &Error{Op: "table", Name: ref.String(), Err: ErrNotSupported}
}

// Table returns the tables of a device, typed; a target or form of it that package tables
// does not know is a [tables.RawTable]. It is empty when there is no table.
func (c *Control) Table(ref Ref, o TableOptions) ([]tables.Table, error) {
	return nil, &Error{Op: "table", Name: ref.String(), Err: ErrNotSupported}
}

// WaitOptions of [Control.Wait].
type WaitOptions struct {
	Table    bool // lines are the table instead of the status
	Inactive bool // of the staged table
	NoFlush  bool
}

// Wait blocks until the device's event counter differs from eventNr, as Info or List gave
// it, or until the context ends.
func (c *Control) Wait(ctx context.Context, ref Ref, eventNr uint32, o WaitOptions) (Report, error) {
	return Report{}, &Error{Op: "wait", Name: ref.String(), Err: ErrNotSupported}
}

// DepsOptions of [Control.Deps].
type DepsOptions struct {
	Inactive bool // of the staged table
}

// Deps returns the numbers of the devices that the table uses, each once, in no order.
func (c *Control) Deps(ref Ref, o DepsOptions) ([]uint64, error) {
	return nil, &Error{Op: "deps", Name: ref.String(), Err: ErrNotSupported}
}
