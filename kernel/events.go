package kernel

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// ArmPoll makes now the moment from which [Control.Poll] looks for events. List the devices
// after it, not before, to lose none. ErrNotSupported before interface version 4.36.
func (c *Control) ArmPoll() error {
	_, err := c.do(context.Background(), call{command: dmioctl.CmdArmPoll}, nil)
	return err
}

// Poll blocks until anything happened since ArmPoll, or since the control device was opened:
// an event of any device, a device created, removed or renamed, a table made live. It
// returns at once until the next ArmPoll.
func (c *Control) Poll(ctx context.Context) error {
	err := c.need(dmioctl.CmdArmPoll.Minor(), "poll")
	if err == nil {
		err = c.poll(ctx)
	}
	if err != nil {
		return wrap("poll", "", nil, err)
	}
	return nil
}

func (c *Control) poll(ctx context.Context) error {
	ctx, leave, err := c.enterWait(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = c.transport.Poll(ctx)
	if isEnd(err) {
		return c.whyEnded(ctx)
	}
	return err
}

// EventKind says what happened.
type EventKind int

// The kinds of events.
const (
	EventPresent EventKind = iota // the device was there when the stream began
	EventAdded                    // the device is new
	EventRemoved                  // the device is gone; the entry is the last one seen
	EventRenamed                  // the device has another name
	EventChanged                  // the device's event counter moved, or it got a UUID
	EventOther                    // something that no list shows, such as another live table; no entry
)

var eventKinds = [...]string{"present", "added", "removed", "renamed", "changed", "other"}

// String is "added", "removed" and so on.
func (k EventKind) String() string {
	if k < 0 || int(k) >= len(eventKinds) {
		return "unknown"
	}
	return eventKinds[k]
}

// Event is one change.
type Event struct {
	Kind    EventKind
	Entry   Entry  // with UUID
	OldName string // of EventRenamed
}

// Events is a stream of changes of all devices. It begins with EventPresent for those that
// are there, and ends with the loop over it, or with an error: that of the context,
// ErrNotSupported before interface version 4.38, fs.ErrClosed. It has a control device of
// its own. What happens and is undone between two looks is not seen.
func (c *Control) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := c.need(minorListEvents, "the event stream")
		if err == nil {
			err = c.events(ctx, yield)
		}
		if err != nil {
			yield(Event{}, wrap("events", "", nil, err))
		}
	}
}

func (c *Control) events(ctx context.Context, yield func(Event, error) bool) (err error) {
	ctx, leave, err := c.enterWait(ctx)
	if err != nil {
		return err
	}
	defer leave()
	own, err := Open(c.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	var known map[uint64]Entry
	for {
		if err := own.ArmPoll(); err != nil {
			return err
		}
		list, err := own.List(ListOptions{UUIDs: true})
		if err != nil {
			return err
		}
		changes, now := compare(known, list)
		known = now
		for _, e := range changes {
			if !yield(e, nil) {
				return nil
			}
		}
		if err := own.Poll(ctx); err != nil {
			return c.causeOf(ctx, err)
		}
	}
}

// causeOf tells the end of this control device from that of the context.
func (c *Control) causeOf(ctx context.Context, err error) error {
	if isEnd(err) && c.life.Err() != nil {
		return fs.ErrClosed
	}
	return err
}

// compare gives the changes from what was known, nil at first, to a new list.
func compare(known map[uint64]Entry, list []Entry) ([]Event, map[uint64]Entry) {
	now := make(map[uint64]Entry, len(list))
	var events []Event
	for _, e := range list {
		now[e.DevNo] = e
		old, ok := known[e.DevNo]
		switch {
		case known == nil:
			events = append(events, Event{Kind: EventPresent, Entry: e})
		case !ok:
			events = append(events, Event{Kind: EventAdded, Entry: e})
		case old.Name != e.Name && old.UUID != e.UUID && old.UUID != "" || e.EventNr < old.EventNr:
			// another device with the number of one that is gone
			events = append(events, Event{Kind: EventRemoved, Entry: old}, Event{Kind: EventAdded, Entry: e})
		default:
			if old.Name != e.Name {
				events = append(events, Event{Kind: EventRenamed, Entry: e, OldName: old.Name})
			}
			if old.EventNr != e.EventNr || old.UUID != e.UUID {
				events = append(events, Event{Kind: EventChanged, Entry: e})
			}
		}
	}
	var gone []Event
	for devno, e := range known {
		if _, ok := now[devno]; !ok {
			gone = append(gone, Event{Kind: EventRemoved, Entry: e})
		}
	}
	if known != nil && len(events)+len(gone) == 0 {
		events = []Event{{Kind: EventOther}}
	}
	return append(sortedByNumber(gone), events...), now
}

// sortedByNumber puts events of a map into an order that does not change from run to run.
func sortedByNumber(events []Event) []Event {
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.Entry.DevNo, b.Entry.DevNo) })
	return events
}
