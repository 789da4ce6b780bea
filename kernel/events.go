package kernel

import (
	"context"
	"iter"
)

// ArmPoll makes now the moment from which [Control.Poll] looks for events. List the devices
// after it, not before, to lose none. ErrNotSupported before interface version 4.36.
func (c *Control) ArmPoll() error { return &Error{Op: "arm-poll", Err: ErrNotSupported} }

// Poll blocks until anything happened since ArmPoll, or since the control device was opened:
// an event of any device, a device created, removed or renamed, a table made live.
func (c *Control) Poll(ctx context.Context) error { return &Error{Op: "poll", Err: ErrNotSupported} }

// EventKind says what happened.
type EventKind int

// The kinds of events.
const (
	EventPresent EventKind = iota // the device was there when the stream began
	EventAdded                    // the device is new
	EventRemoved                  // the device is gone; the entry is the last one seen
	EventRenamed                  // the device has another name
	EventChanged                  // the device's event counter moved
	EventOther                    // something that no list shows, such as another live table; no entry
)

// Event is one change.
type Event struct {
	Kind    EventKind
	Entry   Entry  // with UUID
	OldName string // of EventRenamed
}

// Events is a stream of changes of all devices. It begins with EventPresent for those that
// are there, and ends when the context does, with its error, or with the loop. It has a
// control device of its own. What happens and is undone between two looks is not seen.
func (c *Control) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) { yield(Event{}, &Error{Op: "events", Err: ErrNotSupported}) }
}
