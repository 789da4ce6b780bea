package cryptsetup

import (
	"crypto/rand"
	"errors"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksAddKey adds a slot for another passphrase, or for a key of its own.
func (r *run) luksAddKey() error {
	change := r.edit
	if r.Has("unbound") {
		change = r.edit2
	}
	return change(func(d *device, e *luks.Editor) error {
		o, err := r.slotOptions(d.header.Version)
		if err != nil {
			return err
		}
		o.Unbound = r.Has("unbound")
		old, err := r.newSlotNumber(d.header, &o)
		if err != nil {
			return err
		}
		key, err := r.keyToAdd(d.header, old)
		if err != nil {
			return err
		}
		defer key.Wipe()
		pass, err := r.secret(r.newKey(r.word(1)), "Enter new passphrase for key slot: ", true)
		if err != nil {
			return err
		}
		defer ui.Wipe(pass)
		id, err := e.AddKey(r.ctx, key, pass, o)
		if err != nil {
			return r.explainEdit(d.header, o.Slot, err)
		}
		r.sayf("Key slot %d created.", id)
		return nil
	})
}

// newSlotNumber reads which slot shall be made, and which ones the passphrase that is there
// may be of.
func (r *run) newSlotNumber(h *luks.Header, o *luks.SlotOptions) (old []int, err error) {
	switch {
	case r.Has("new-key-slot"):
		o.Slot = r.Int("new-key-slot", 0)
		if r.Has("key-slot") {
			old = []int{r.Int("key-slot", 0)}
		}
	case r.Has("key-slot"):
		if !o.Unbound {
			r.printf("WARNING: The --key-slot parameter is used for new keyslot number.\n")
		}
		o.Slot = r.Int("key-slot", 0)
	default:
		return nil, nil
	}
	return old, checkSlot(h.Version, o.Slot)
}

// keyToAdd gets the key that the new slot shall hold.
func (r *run) keyToAdd(h *luks.Header, slots []int) (*luks.Key, error) {
	switch {
	case r.Has("unbound"):
		return r.unboundKey()
	case r.Has("volume-key-file"):
		return r.proven(h, keySize(h))
	}
	k := r.oldKey()
	pass, err := r.secret(k, "Enter any existing passphrase: ", false)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(pass)
	key, err := r.unlockWith(h, pass, luks.UnlockOptions{Slots: slots})
	if err == nil && !k.given() {
		r.sayf("Key slot %d unlocked.", key.Slot)
	}
	return key, err
}

// unboundKey reads a key that is for no data, or makes one.
func (r *run) unboundKey() (*luks.Key, error) {
	size := int(r.Number("key-size", 0) / 8)
	if r.Has("volume-key-file") {
		b, err := r.volumeKey(size)
		if err != nil {
			return nil, err
		}
		defer ui.Wipe(b)
		return luks.NewKey(b), nil
	}
	const most = 1 << 12 // bytes: more than a slot takes, which says so
	b := make([]byte, min(size, most))
	defer ui.Wipe(b)
	if _, err := rand.Read(b); err != nil {
		return nil, errors.Join(errReadKey, err)
	}
	return luks.NewKey(b), nil
}
