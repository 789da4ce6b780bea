package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelEventsCommand() *urfave.Command {
	return &urfave.Command{
		Name: "events", Usage: "print changes of all devices as they happen",
		Description: `A line is KIND NAME MAJOR:MINOR EVENT-NUMBER UUID, and of a device that was renamed its old name. The kinds are:
present (it was there at the start), added, removed, renamed, changed (a target reported something, or it got a UUID),
other (something that no list shows, such as another live table; no device is named).
It ends when it is interrupted, with exit status 0, or after --count changes; lines of the kind present do not count.
With --json every line is a JSON document.`,
		Flags: []urfave.Flag{
			&urfave.UintFlag{Name: "count", Usage: "end after `N` changes"},
			ui.JSONFlag(),
		},
		Action: verb(0, 0, func(c *urfave.Context, s ui.Streams) error {
			if c.IsSet("count") && c.Uint("count") == 0 {
				return ui.Usagef("kernel events: --count 0: want 1 or more")
			}
			return withKernel(c, func(ctx context.Context, ctl *kernel.Control) error {
				return kernelEvents(ctx, s.Out, ctl, c.Uint("count"), c.Bool("json"))
			})
		}),
	}
}

// kernelEvent is a line of `kernel events --json`.
type kernelEvent struct {
	Kind        string  `json:"kind"`
	Name        string  `json:"name,omitempty"`
	OldName     string  `json:"old_name,omitempty"`
	UUID        string  `json:"uuid,omitempty"`
	Major       *uint32 `json:"major,omitempty"` // nil: no device
	Minor       *uint32 `json:"minor,omitempty"`
	EventNumber *uint32 `json:"event_number,omitempty"`
}

// kernelEvents prints events, to the end of ctx or until there were count changes; 0 means no end.
func kernelEvents(ctx context.Context, out io.Writer, ctl *kernel.Control, count uint, asJSON bool) error {
	write := writeEvent
	if asJSON {
		write = writeEventJSON
	}
	seen := uint(0)
	for e, err := range ctl.Events(ctx) {
		if errors.Is(err, context.Canceled) {
			return nil // the ordinary end
		}
		if err != nil {
			return err
		}
		if err := write(out, e); err != nil {
			return err
		}
		if e.Kind != kernel.EventPresent {
			seen++
		}
		if seen == count && count != 0 {
			return nil
		}
	}
	return nil
}

func writeEvent(out io.Writer, e kernel.Event) error {
	if e.Kind == kernel.EventOther {
		_, err := fmt.Fprintln(out, e.Kind)
		return err
	}
	line := fmt.Sprintf("%s %s %s %d %s", e.Kind, showDevice(e.Entry.Name), showDevno(e.Entry.DevNo), e.Entry.EventNr, wordOrDash(e.Entry.UUID))
	if e.Kind == kernel.EventRenamed {
		line += " " + showDevice(e.OldName)
	}
	_, err := fmt.Fprintln(out, line)
	return err
}

func writeEventJSON(out io.Writer, e kernel.Event) error {
	line := kernelEvent{Kind: e.Kind.String(), OldName: e.OldName}
	if e.Kind != kernel.EventOther {
		major, minor := kernel.Major(e.Entry.DevNo), kernel.Minor(e.Entry.DevNo)
		line.Name, line.UUID = e.Entry.Name, e.Entry.UUID
		line.Major, line.Minor, line.EventNumber = &major, &minor, &e.Entry.EventNr
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return enc.Encode(line)
}
