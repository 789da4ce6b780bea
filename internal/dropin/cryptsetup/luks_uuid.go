package cryptsetup

import (
	"errors"
	"regexp"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// luksUUID prints the UUID of a device, or sets it.
func (r *run) luksUUID() error {
	if r.Has("uuid") {
		err := r.edit(r.setUUID)
		if errors.Is(err, errNotLUKS) {
			return exit.New(exit.Failed, ui.ExitFailed, "")
		}
		return err
	}
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

func (r *run) setUUID(_ *device, e *luks.Editor) error {
	if err := checkUUID(r.Values["uuid"]); err != nil {
		return err
	}
	if err := r.confirmOr("Do you really want to change UUID of device?", refusal(exit.Mismatch, "Operation aborted.")); err != nil {
		return err
	}
	return r.explainEdit(e.Header(), 0, e.SetUUID(r.Values["uuid"]))
}

var uuidText = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// checkUUID demands a UUID in its usual form.
func checkUUID(s string) error {
	if !uuidText.MatchString(s) {
		return exit.Paramf("Wrong LUKS UUID format provided.")
	}
	return nil
}
