package cryptsetup

import (
	"errors"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// luksUUID prints the UUID of a device.
func (r *run) luksUUID() error {
	d, err := r.openHeader(false)
	if errors.Is(err, errNotLUKS) {
		return exit.New(exit.Failed, ui.ExitFailed, "")
	}
	if err != nil {
		return err
	}
	r.printf("%s\n", printable(d.header.UUID()))
	return d.Close()
}
