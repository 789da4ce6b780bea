package dropin

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
)

// active says whether a mapping is there, with which status begins, and returns what the
// kernel knows of it. One that is not there, or has no table, is an error.
func (r *run) active(s *live.Session, word string) (kernel.Info, error) {
	if err := live.CheckWord(word, exit.Failed); err != nil {
		return kernel.Info{}, err
	}
	ref, shown, err := s.Named(word)
	if err != nil {
		return kernel.Info{}, err
	}
	info, err := s.Control.Info(ref, kernel.InfoOptions{})
	switch {
	case errors.Is(err, kernel.ErrNotFound), errors.Is(err, kernel.ErrInvalid):
		fmt.Fprintf(r.Out, "%s is inactive.\n", shown)
		return info, exit.New(exit.Device, ui.ExitFailed, "")
	case err != nil:
		return info, formatError(err)
	case !info.HasLiveTable():
		return info, exit.Paramf("Device %s has no table.", word)
	}
	inUse := ""
	if info.OpenCount > 0 {
		inUse = " and is in use"
	}
	fmt.Fprintf(r.Out, "%s is active%s.\n", shown, inUse)
	return info, nil
}
