package cryptsetup

import (
	"errors"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// isLuks says by the exit status whether a device is LUKS.
func (r *run) isLuks() error {
	if len(r.Words) > 1 {
		return exit.Devicef("Only one device argument for isLuks operation is supported.")
	}
	d, err := r.openHeader(false)
	if errors.Is(err, errNotLUKS) {
		return exit.New(exit.Failed, ui.ExitFailed, "")
	}
	if err != nil {
		return err
	}
	return d.Close()
}
