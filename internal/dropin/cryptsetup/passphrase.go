package cryptsetup

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// secret gets a passphrase: from its file, from stdin, or from whoever sits at a terminal.
// The caller wipes it.
func (r *run) secret(k keyFile, prompt string, verify bool) ([]byte, error) {
	if k.given() {
		return k.read()
	}
	if tty, ok := r.terminal(); ok {
		return r.ask(tty, prompt, verify)
	}
	if k.path == "" {
		return k.line(r.In)
	}
	key, err := k.readFrom(r.In)
	if err == nil && len(key) == 0 {
		err = errKeyNothing
	}
	return key, err
}

// prompt is how a passphrase of the device is asked for.
func (r *run) prompt() string { return fmt.Sprintf("Enter passphrase for %s: ", r.word(0)) }

// defaultTries is how often someone at a terminal is asked.
const defaultTries = 3

// unlock gets a key of the header with a passphrase that is there already, asking as often
// as tries says where it is typed. The caller wipes the key.
func (r *run) unlock(h *luks.Header, k keyFile, o luks.UnlockOptions, tries uint64) (*luks.Key, error) {
	if _, ok := r.terminal(); !ok || k.given() {
		tries = 1
	}
	for ; ; tries-- {
		key, err := r.unlockOnce(h, k, o)
		if err == nil {
			r.sayf("Key slot %d unlocked.", key.Slot)
			return key, nil
		}
		if tries <= 1 || !errors.Is(err, errNoKey) {
			return nil, err
		}
		r.complainf("%v", err)
	}
}

func (r *run) unlockOnce(h *luks.Header, k keyFile, o luks.UnlockOptions) (*luks.Key, error) {
	pass, err := r.secret(k, r.prompt(), r.Has("verify-passphrase"))
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(pass)
	return r.unlockWith(h, pass, o)
}

// unlockWith gets a key of the header with a passphrase.
func (r *run) unlockWith(h *luks.Header, pass []byte, o luks.UnlockOptions) (*luks.Key, error) {
	o.AllowCostly = r.Has("allow-costly")
	key, err := h.Unlock(r.ctx, pass, o)
	return key, r.explainKey(err)
}

// Sentences that end many actions.
var (
	errNoKey     = exit.New(exit.Mismatch, ui.ExitWrongKey, "No key available with this passphrase.")
	errNoSlot    = exit.New(exit.Failed, ui.ExitFailed, "No usable keyslot is available.")
	errVolumeKey = exit.New(exit.Mismatch, ui.ExitWrongKey, "Volume key does not match the volume.")
)

// explainKey gives an error about a key cryptsetup's words and status.
func (r *run) explainKey(err error) error {
	switch {
	case err == nil, r.ctx.Err() != nil:
		return err
	case errors.Is(err, luks.ErrCostly):
		return exit.New(exit.NoMemory, ui.ExitFailed, sentence(err)+"\n--allow-costly opens it all the same, if the memory is there.")
	case errors.Is(err, luks.ErrWrongKey) && !errors.Is(err, luks.ErrUnsupported) && !errors.Is(err, luks.ErrHeader):
		return errNoKey
	case errors.Is(err, luks.ErrNoKeyslot):
		return errNoSlot
	}
	return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
}

// volumeKey reads the volume key of size bytes from the file of --volume-key-file. The caller
// wipes it.
func (r *run) volumeKey(size int) ([]byte, error) {
	path := r.Values["volume-key-file"]
	key, err := keyFile{path: path, size: uint64(size)}.read()
	switch {
	case err == nil:
		return key, nil
	case errors.Is(err, errNoKeyFile):
		return nil, exit.Failf("Cannot read keyfile %s.", path)
	}
	return nil, exit.Failf("Cannot read %d bytes from keyfile %s.", size, path)
}

// proven checks the key of --volume-key-file against the header. The caller wipes it.
func (r *run) proven(h *luks.Header, size int) (*luks.Key, error) {
	b, err := r.volumeKey(size)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(b)
	key, err := h.VolumeKey(r.ctx, b)
	if errors.Is(err, luks.ErrWrongKey) {
		return nil, errVolumeKey
	}
	return key, r.explainKey(err)
}

// keySize is the size of the key of the data in bytes.
func keySize(h *luks.Header) int {
	if h.Version == 1 {
		return int(h.V1.KeySize)
	}
	m := h.V2.Metadata
	for _, d := range m.Digests {
		for _, segment := range d.Segments {
			if s := m.Segments[segment]; s == nil || s.IsBackup() {
				continue
			}
			for _, id := range d.Keyslots {
				if k := m.Keyslots[id]; k != nil {
					return int(k.KeySize)
				}
			}
		}
	}
	return 0
}
