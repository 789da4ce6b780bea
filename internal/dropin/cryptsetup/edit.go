package cryptsetup

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// edit opens a device to change its header. What is wrong with a LUKS2 header that do
// cannot change is an error in do's own words.
func (r *run) edit(do func(d *device, e *luks.Editor) error) (err error) {
	d, err := r.openHeader(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	e, err := luks.Edit(d.File)
	if err != nil {
		return r.explainHeader(d.path, err)
	}
	return do(d, e)
}

// edit2 is edit for what only LUKS2 has.
func (r *run) edit2(do func(d *device, e *luks.Editor) error) error {
	err := r.edit(func(d *device, e *luks.Editor) error {
		if d.header.Version != 2 {
			return errNotLUKS
		}
		return do(d, e)
	})
	if errors.Is(err, errNotLUKS) && !errors.Is(err, luks.ErrHeader) {
		return exit.Failf("Device %s is not a valid LUKS2 device.", r.headerPath())
	}
	return err
}

// refusal makes the error of someone who did not type YES; an empty text says nothing.
func refusal(status int, text string) error {
	if text != "" {
		text += "\n"
	}
	return exit.New(status, ui.ExitFailed, text)
}

// luksRemoveKey removes the slot that a passphrase opens.
func (r *run) luksRemoveKey() error {
	return r.edit(func(d *device, e *luks.Editor) error {
		k := r.oldKey()
		if !r.Has("key-file") {
			k.path = r.word(1)
		}
		pass, err := r.secret(k, "Enter passphrase to be deleted: ", r.Has("verify-passphrase"))
		if err != nil {
			return err
		}
		defer ui.Wipe(pass)
		key, err := r.unlockWith(d.header, pass, luks.UnlockOptions{})
		if err != nil {
			return err
		}
		key.Wipe()
		r.sayf("Key slot %d unlocked.", key.Slot)
		r.sayf("Keyslot %d is selected for deletion.", key.Slot)
		return r.kill(e, key.Slot)
	})
}

// isLast reports whether a slot is the only one that opens data.
func isLast(h *luks.Header, id int) bool {
	bound := boundSlots(h)
	return len(bound) == 1 && bound[0] == id
}

// kill removes a slot, after a question if it is the last one.
func (r *run) kill(e *luks.Editor, id int) error {
	if isLast(e.Header(), id) {
		if err := r.confirmLast(); err != nil {
			return err
		}
	}
	return r.killNow(e, id)
}

func (r *run) confirmLast() error {
	return r.confirmOr("This is the last keyslot. Device will become unusable after purging this key.",
		refusal(exit.Mismatch, "Operation aborted, the keyslot was NOT wiped."))
}

func (r *run) killNow(e *luks.Editor, id int) error {
	e.AllowLast = true
	if err := e.KillSlot(id); err != nil {
		return r.explainEdit(e.Header(), id, err)
	}
	r.sayf("Key slot %d removed.", id)
	return nil
}

// luksKillSlot removes a slot by its number. A passphrase of another one is asked for, but
// is not needed with --batch-mode or where none can be had, as with cryptsetup.
func (r *run) luksKillSlot() error {
	return r.edit(func(d *device, e *luks.Editor) error {
		id, err := slotNumber(d.header, r.word(1))
		if err != nil {
			return err
		}
		r.sayf("Keyslot %d is selected for deletion.", id)
		if isLast(d.header, id) {
			if err := r.confirmLast(); err != nil {
				return err
			}
		}
		if err := r.proveRight(d.header, id); err != nil {
			return err
		}
		return r.killNow(e, id)
	})
}

// slotNumber reads the number of a slot that is in use.
func slotNumber(h *luks.Header, word string) (int, error) {
	id := cInt(word)
	if fmt.Sprint(id) != word {
		return 0, exit.Paramf("Key slot %s is no number.", word)
	}
	if err := checkSlot(h.Version, id); err != nil {
		return 0, err
	}
	if !isSlot(h, id) {
		return 0, exit.Failf("Keyslot %d is not active.", id)
	}
	return id, nil
}

// proveRight demands the passphrase of a slot that stays; where all go, of one that goes.
func (r *run) proveRight(h *luks.Header, kill int) error {
	tty, isTerminal := r.terminal()
	k := r.oldKey()
	if isTerminal && !k.given() && r.Has("batch-mode") {
		return nil
	}
	var pass []byte
	var err error
	if isTerminal && !k.given() {
		pass, err = r.ask(tty, "Enter any remaining passphrase: ", false)
	} else {
		pass, err = r.secret(k, "", false)
	}
	if errors.Is(err, errKeyNothing) {
		r.complainf("%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer ui.Wipe(pass)
	o := luks.UnlockOptions{Unbound: true, Slots: []int{}}
	for _, id := range slotIDs(h) {
		if id != kill || isLast(h, kill) {
			o.Slots = append(o.Slots, id)
		}
	}
	key, err := r.unlockWith(h, pass, o)
	if err != nil {
		return err
	}
	key.Wipe()
	r.sayf("Key slot %d unlocked.", key.Slot)
	return nil
}

// erase removes all slots.
func (r *run) erase() error {
	return r.edit(func(d *device, e *luks.Editor) error {
		err := r.confirmOr(fmt.Sprintf("This operation will erase all keyslots on device %s.\nDevice will become unusable after this operation.", r.word(0)),
			refusal(exit.Mismatch, "Operation aborted, keyslots were NOT wiped."))
		if err != nil {
			return err
		}
		slots := slotIDs(d.header)
		if err := e.Erase(); err != nil {
			return r.explainEdit(d.header, 0, err)
		}
		for _, id := range slots {
			r.sayf("Key slot %d removed.", id)
		}
		return nil
	})
}
