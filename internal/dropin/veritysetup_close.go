package dropin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
)

// veritysetupClose removes a mapping, now or when its last user is done with it.
func veritysetupClose(r *run, c *popt.Line) error {
	return r.withKernel(exit.Device, func(s *session) error {
		word := c.Words[0]
		name, err := s.closing(r, word)
		switch {
		case err != nil:
			return err
		case c.Has("cancel-deferred"):
			if err := s.CancelRemoval(name); err != nil {
				return r.closeError(word, err)
			}
			return nil
		}
		return r.remove(s, word, name, c.Has("deferred"))
	})
}

// closing finds the name of the device to close, which must be active.
func (s *session) closing(r *run, word string) (string, error) {
	if len(word) > maxName && !strings.HasPrefix(word, "/") {
		return "", checkName(word, exit.Device)
	}
	inactive := deviceErrorf("Device %s is not active.", word)
	ref, _, err := s.named(word)
	if err != nil {
		return "", inactive
	}
	info, err := s.control.Info(ref, kernel.InfoOptions{})
	switch {
	case errors.Is(err, kernel.ErrPermission):
		return "", r.closeError(word, err)
	case err != nil || !info.HasLiveTable():
		return "", inactive
	case !strings.HasPrefix(info.UUID, uuidPrefix):
		r.warnf("%s is no device of veritysetup: it is removed all the same", word)
	}
	return info.Name, nil
}

// remove waits as long as the tools do while the device is in use.
func (r *run) remove(s *session, word, name string, deferred bool) error {
	ctx, cancel := context.WithTimeout(r.ctx, s.machine.RemoveWait)
	defer cancel()
	removal, err := s.Remove(ctx, name, activate.RemoveOptions{Deferred: deferred})
	if err != nil {
		return r.closeError(word, err)
	}
	if removal == activate.Deferred {
		fmt.Fprintf(r.Out, "Device %s is still active and scheduled for deferred removal.\n", word)
	}
	return nil
}

// closeError gives a failed removal veritysetup's status.
func (r *run) closeError(word string, err error) error {
	var busy *activate.BusyError
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case errors.Is(err, kernel.ErrNotFound):
		return deviceErrorf("Device %s is not active.", word)
	case errors.As(err, &busy):
		text := fmt.Sprintf("Device %s is still in use.", word)
		if len(busy.Users) > 0 {
			text += " Used by: " + strings.Join(busy.Users, ", ") + "."
		}
		return exit.New(exit.Busy, ui.ExitFailed, text)
	}
	return exit.New(exit.Device, ui.ExitFailed, sentence(err))
}

// deviceErrorf is an error about a device, of status 4.
func deviceErrorf(format string, args ...any) error {
	return exit.New(exit.Device, ui.ExitFailed, fmt.Sprintf(format, args...))
}
