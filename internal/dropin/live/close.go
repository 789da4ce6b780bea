package live

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
)

// Close is how a mapping is removed.
type Close struct {
	Tool     string // that is asked to, for a warning about a device that is not its own
	Word     string // the name of the device or the path of its node
	Deferred bool   // when its last user is done with it
	Cancel   bool   // call off what Deferred has begun
}

// Do removes the mapping, and with it the device of the tags of its sectors, as the tools
// do: it waits as long as they do while the device is in use.
func (c Close) Do(ctx context.Context, s *Session, streams ui.Streams) error {
	name, err := c.find(ctx, s, streams)
	switch {
	case err != nil:
		return err
	case c.Cancel:
		return c.explain(ctx, s.CancelRemoval(name))
	}
	waiting, cancel := context.WithTimeout(ctx, s.Machine.RemoveWait)
	defer cancel()
	removal, err := s.Remove(waiting, name, activate.RemoveOptions{Deferred: c.Deferred, Integrity: true})
	if err != nil {
		return c.explain(ctx, err)
	}
	if removal == activate.Deferred {
		fmt.Fprintf(streams.Out, "Device %s is still active and scheduled for deferred removal.\n", c.Word)
	}
	return nil
}

// find finds the name of the device to close, which must be active.
func (c Close) find(ctx context.Context, s *Session, streams ui.Streams) (string, error) {
	if err := CheckWord(c.Word, exit.Device); err != nil {
		return "", err
	}
	inactive := exit.Devicef("Device %s is not active.", c.Word)
	ref, _, err := s.Named(c.Word)
	if err != nil {
		return "", inactive
	}
	info, err := s.Control.Info(ref, kernel.InfoOptions{})
	switch {
	case errors.Is(err, kernel.ErrPermission):
		return "", c.explain(ctx, err)
	case err != nil || !info.HasLiveTable():
		return "", inactive
	case !strings.HasPrefix(info.UUID, UUIDPrefix):
		fmt.Fprintf(streams.Err, "%s: warning: %s is no device of %s: it is removed all the same\n", c.Tool, c.Word, c.Tool)
	}
	return info.Name, nil
}

// explain gives a failed removal the status of the tools.
func (c Close) explain(ctx context.Context, err error) error {
	var busy *activate.BusyError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, kernel.ErrNotFound):
		return exit.Devicef("Device %s is not active.", c.Word)
	case errors.As(err, &busy):
		text := fmt.Sprintf("Device %s is still in use.", c.Word)
		if len(busy.Users) > 0 {
			text += " Used by: " + strings.Join(busy.Users, ", ") + "."
		}
		return exit.New(exit.Busy, ui.ExitFailed, text)
	}
	return exit.New(exit.Device, ui.ExitFailed, exit.Sentence(err))
}
