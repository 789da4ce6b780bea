package cryptsetup

import (
	"errors"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// luksChangeKey gives a slot another passphrase.
func (r *run) luksChangeKey() error {
	return r.edit(func(d *device, e *luks.Editor) error {
		o, err := r.slotOptions(d.header.Version)
		if err != nil {
			return err
		}
		_, key, err := r.slotToChange(d.header, "Enter passphrase to be changed: ", false)
		if err != nil {
			return err
		}
		defer key.Wipe()
		r.sayf("Key slot %d unlocked.", key.Slot)
		pass, err := r.secret(r.newKey(r.word(1)), "Enter new passphrase: ", true)
		if err != nil {
			return err
		}
		defer ui.Wipe(pass)
		return r.change(e, key, pass, o)
	})
}

// luksConvertKey gives a slot another key derivation.
func (r *run) luksConvertKey() error {
	return r.edit2(func(d *device, e *luks.Editor) error {
		o, err := r.slotOptions(2)
		if err != nil {
			return err
		}
		if id := r.Int("key-slot", 0); r.Has("key-slot") && !isSlot(d.header, id) {
			return exit.Failf("Keyslot %d is not active.", id)
		}
		pass, key, err := r.slotToChange(d.header, "Enter passphrase for keyslot to be converted: ", true)
		if err != nil {
			return err
		}
		defer ui.Wipe(pass)
		defer key.Wipe()
		return r.change(e, key, pass, o)
	})
}

// slotToChange opens the slot that is changed with its passphrase, which is returned if it
// is kept, else wiped.
func (r *run) slotToChange(h *luks.Header, prompt string, keep bool) ([]byte, *luks.Key, error) {
	pass, err := r.secret(r.oldKey(), prompt, false)
	if err != nil {
		return nil, nil, err
	}
	o := luks.UnlockOptions{}
	if r.Has("key-slot") {
		o.Slots = []int{r.Int("key-slot", 0)}
	}
	key, err := r.unlockWith(h, pass, o)
	if err != nil || !keep {
		ui.Wipe(pass)
		return nil, key, err
	}
	return pass, key, nil
}

// change replaces the slot of key. With LUKS1 the new one gets a number of its own unless
// one was asked for, as with cryptsetup.
func (r *run) change(e *luks.Editor, key *luks.Key, pass []byte, o luks.SlotOptions) error {
	if e.Header().Version == 1 && !r.Has("key-slot") {
		id, err := e.AddKey(r.ctx, key, pass, o)
		if err == nil {
			r.sayf("Key slot %d created.", id)
			return r.explainEdit(e.Header(), key.Slot, e.KillSlot(key.Slot))
		}
		if !errors.Is(err, luks.ErrNoRoom) {
			return r.explainEdit(e.Header(), key.Slot, err)
		}
	}
	o.Slot = key.Slot
	id, err := e.ChangeKey(r.ctx, key, pass, o)
	if errors.Is(err, luks.ErrNoRoom) {
		r.complainf("%s: warning: there is no room for a second key slot: a crash in this moment loses slot %d", name, key.Slot)
		e.AllowInPlace = true
		id, err = e.ChangeKey(r.ctx, key, pass, o)
	}
	if err != nil {
		return r.explainEdit(e.Header(), key.Slot, err)
	}
	r.sayf("Key slot %d created.", id)
	return nil
}
