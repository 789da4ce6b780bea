package luks

import (
	"fmt"
	"slices"
)

// KillSlot removes a key slot. Its area is overwritten first, so that a slot that is gone
// has no key material left: after a crash the slot may still be listed, and not open any
// more. Tokens and digests forget it. Errors wrap [ErrNoKeyslot], or [ErrLastSlot] unless
// AllowLast is set.
func (e *Editor) KillSlot(slot int) error {
	return wrap("luks: removing a key slot", e.killSlot(slot))
}

func (e *Editor) killSlot(id int) error {
	if err := e.removable(); err != nil {
		return err
	}
	if err := e.h.mayKill(id, e.AllowLast); err != nil {
		return err
	}
	next, err := e.h.clone()
	if err != nil {
		return err
	}
	next.dropSlot(id)
	steps, err := removal(e.h, next, id)
	if err != nil {
		return err
	}
	return e.run(steps)
}

// removal are the steps from h to next, which does not have slot id any more.
func removal(h, next *Header, id int) ([]step, error) {
	a, err := h.slotArea(id)
	if err != nil {
		return nil, err
	}
	write, err := h.stepsTo(next)
	return append([]step{a.wiping(id)}, write...), err
}

// wiping overwrites what was key material of slot id.
func (a area) wiping(id int) step {
	return step{what: fmt.Sprintf("overwriting key slot %d", id), off: a.offset, wipe: a.size}
}

// Erase removes all key slots: then nothing but the volume key opens the data. The whole
// room for slots of LUKS2 is overwritten, with what interrupted changes may have left.
func (e *Editor) Erase() error { return wrap("luks: erasing the key slots", e.erase()) }

func (e *Editor) erase() error {
	if err := e.removable(); err != nil {
		return err
	}
	next, err := e.h.clone()
	if err != nil {
		return err
	}
	var steps []step
	for _, id := range e.h.slotIDs() {
		a, err := e.h.slotArea(id)
		if err != nil {
			return err
		}
		steps = append(steps, a.wiping(id))
		next.dropSlot(id)
	}
	if e.h.Version == 2 {
		room := int64(e.h.V2.Metadata.Config.KeyslotsSize)
		steps = []step{{what: "overwriting the key slots", off: int64(2 * e.h.V2.Size), wipe: room}}
	}
	write, err := e.h.stepsTo(next)
	if err != nil {
		return err
	}
	return e.run(append(steps, write...))
}

// slotIDs are the numbers of the slots in use.
func (h *Header) slotIDs() (list []int) {
	if h.Version == 2 {
		return sortedIDs(h.V2.Metadata.Keyslots)
	}
	for i, s := range h.V1.Slots {
		if s.Active {
			list = append(list, i)
		}
	}
	return list
}

// mayKill refuses what is no slot, and the last one that opens the data.
func (h *Header) mayKill(id int, allowLast bool) error {
	if !slices.Contains(h.slotIDs(), id) {
		return fmt.Errorf("key slot %d is not in use: %w", id, ErrNoKeyslot)
	}
	if !allowLast && h.opensData(id) && !slices.ContainsFunc(h.slotIDs(), func(k int) bool { return k != id && h.opensData(k) }) {
		return fmt.Errorf("key slot %d: %w", id, ErrLastSlot)
	}
	return nil
}

// opensData reports whether some passphrase opens the data with slot id.
func (h *Header) opensData(id int) bool {
	return slices.ContainsFunc(h.slots(), func(s *slot) bool { return s.id == id && s.unusable == nil && len(s.segments) > 0 })
}

// slotArea is where the key material of slot id is. Of LUKS1 it must not lie in the data,
// which changing it would destroy.
func (h *Header) slotArea(id int) (area, error) {
	if h.Version == 1 {
		if err := h.V1.checkArea(id); err != nil {
			return area{}, err
		}
		return h.V1.slotOf(id, h.V1.Slots[id]).area, nil
	}
	a := h.V2.Metadata.Keyslots[id].Area
	return area{int64(a.Offset), int64(a.Size)}, nil
}

// dropSlot takes slot id out of the header, and out of what refers to it. A digest that
// then proves no key for anything goes too.
func (h *Header) dropSlot(id int) {
	if h.Version == 1 {
		old := h.V1.Slots[id]
		h.V1.Slots[id] = Slot1{Offset: old.Offset, Stripes: old.Stripes}
		return
	}
	m := h.V2.Metadata
	m.drop(id)
	for _, t := range m.Tokens {
		t.Keyslots = slices.DeleteFunc(t.Keyslots, func(k int) bool { return k == id })
	}
	for d, digest := range m.Digests {
		if len(digest.Keyslots) == 0 && len(digest.Segments) == 0 {
			delete(m.Digests, d)
		}
	}
}
