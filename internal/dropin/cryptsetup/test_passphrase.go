package cryptsetup

import (
	"errors"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// testPassphrase says by the exit status whether a passphrase or volume key is right.
func (r *run) testPassphrase() (err error) {
	d, err := r.openHeader(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := r.checkDataSize(d); err != nil {
		return err
	}
	key, err := r.openKey(d.header, luks.UnlockOptions{Unbound: r.Has("unbound")})
	if err != nil {
		return err
	}
	key.Wipe()
	return nil
}

// openKey gets the volume key as open does, in whatever way the options say. The caller
// wipes it.
func (r *run) openKey(h *luks.Header, o luks.UnlockOptions) (*luks.Key, error) {
	if r.Has("volume-key-file") {
		return r.proven(h, keySize(h))
	}
	if h.Version == 2 {
		r.sayTokens(h.V2.Metadata)
	}
	if r.Has("token-only") {
		return nil, exit.New(exit.Failed, ui.ExitWrongKey, "")
	}
	if r.Has("key-slot") {
		o.Slots = []int{r.Int("key-slot", 0)}
	}
	return r.unlock(h, r.oldKey(), o, r.Number("tries", defaultTries))
}

// sayTokens says that no token opens the device, as cryptsetup does with --verbose.
func (r *run) sayTokens(m *luks.Metadata) {
	switch kind := r.Values["token-type"]; {
	case kind != "":
		r.sayf("No usable token (type %s) is available.", kind)
	case len(m.Tokens) == 0 || r.Has("token-id") && m.Tokens[r.Int("token-id", 0)] == nil:
		r.sayf("No usable token is available.")
	}
}

// checkDataSize demands that a detached header belongs to a device that has room for data.
func (r *run) checkDataSize(d *device) error {
	if !r.Has("header") {
		return nil
	}
	data, err := openFile(r.word(0), false)
	if err != nil {
		return err
	}
	size, err := data.Size()
	if err = errors.Join(err, data.Close()); err == nil && dataOffset(d.header) > size {
		err = exit.Failf("Header detected but device %s is too small.", r.word(0))
	}
	return err
}
