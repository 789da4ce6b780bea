package luks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
)

// ChangeKey replaces the key slot o.Slot by one that opens the same key with pass, and
// returns its number, which it keeps. What o does not say is as the old slot has it, except
// for Cost. key is the one of the slot. The new key material is safe before anything of
// the old is touched, in a slot that is listed for as long as there are two: after a crash
// the old passphrase opens, or the new one, or both. That needs room for a slot more; without
// it the error wraps [ErrNoRoom] unless AllowInPlace is set. Others are those of
// [Editor.AddKey], and [ErrNoKeyslot].
func (e *Editor) ChangeKey(ctx context.Context, key *Key, pass []byte, o SlotOptions) (int, error) {
	steps, err := e.changeKey(ctx, key, pass, o)
	if err == nil {
		err = e.run(steps)
	}
	if err != nil {
		return 0, fmt.Errorf("luks: changing a key: %w", err)
	}
	return o.Slot, nil
}

func (e *Editor) changeKey(ctx context.Context, key *Key, pass []byte, o SlotOptions) ([]step, error) {
	if err := e.ready(); err != nil {
		return nil, err
	}
	if !slices.Contains(e.h.slotIDs(), o.Slot) {
		return nil, fmt.Errorf("key slot %d is not in use: %w", o.Slot, ErrNoKeyslot)
	}
	if key == nil {
		return nil, fmt.Errorf("the key of the slot is needed: %w", ErrWrongKey)
	}
	if e.h.Version == 1 {
		return e.changeKey1(ctx, key, pass, o)
	}
	return e.changeKey2(ctx, key, pass, o)
}

// changeKey1 puts the new key material into a free slot, which opens with the new
// passphrase, then, the same bytes, over the old, and removes the copy.
func (e *Editor) changeKey1(ctx context.Context, key *Key, pass []byte, o SlotOptions) ([]step, error) {
	if _, err := e.h.digestFor(ctx, key, o); err != nil {
		return nil, err
	}
	made, err := e.h.makeSlotAs(ctx, o.Slot, key.Bytes(), pass, o, rand.Reader)
	if err != nil {
		return nil, err
	}
	next, err := e.h.clone()
	if err != nil {
		return nil, err
	}
	made.put(next, 0)
	spare, err := e.h.spareSlot1()
	if errors.Is(err, ErrNoRoom) && e.AllowInPlace {
		steps, err := e.h.stepsTo(next)
		return append([]step{made.step()}, steps...), err
	}
	if err != nil {
		return nil, err
	}
	twin := *made
	twin.id, twin.offset, twin.v1.Offset = spare, int64(e.h.V1.Slots[spare].Offset)*SectorSize, e.h.V1.Slots[spare].Offset
	return e.changeSteps1(made, &twin)
}

// changeSteps1 go by way of a twin of the new slot.
func (e *Editor) changeSteps1(made, twin *newSlot) ([]step, error) {
	first, err1 := e.h.clone()
	second, err2 := e.h.clone()
	third, err3 := e.h.clone()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	twin.put(first, 0)
	twin.put(second, 0)
	made.put(second, 0)
	made.put(third, 0)
	third.dropSlot(twin.id)
	a, err1 := e.h.stepsTo(first)
	b, err2 := first.stepsTo(second)
	c, err3 := removal(second, third, twin.id)
	steps := slices.Concat([]step{twin.step()}, a, []step{made.step()}, b, c)
	return steps, errors.Join(err1, err2, err3)
}

// spareSlot1 is a free slot of LUKS1 with a place where it may be.
func (h *Header) spareSlot1() (int, error) {
	for i, s := range h.V1.Slots {
		if !s.Active && int64(s.Offset)*SectorSize <= maxSlots1 && h.V1.checkArea(i) == nil {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no key slot is free, and changing one in place would lose it in a crash: %w", ErrNoRoom)
}

// changeKey2 makes a slot with another area. The header that names it keeps the old one
// under another number until it is overwritten.
func (e *Editor) changeKey2(ctx context.Context, key *Key, pass []byte, o SlotOptions) ([]step, error) {
	old := e.h.V2.Metadata.Keyslots[o.Slot]
	if err := old.usable(); err != nil {
		return nil, fmt.Errorf("key slot %d: %w", o.Slot, err)
	}
	digest, err := e.h.slotDigest(ctx, key, o.Slot)
	if err != nil {
		return nil, err
	}
	o.inherit(old)
	made, err := e.h.makeSlotAs(ctx, o.Slot, key.Bytes(), pass, o, rand.Reader)
	inPlace := errors.Is(err, ErrNoRoom) && e.AllowInPlace
	if inPlace {
		made, err = e.remake(ctx, key, pass, o)
	}
	if err != nil {
		return nil, err
	}
	made.v2.Extra = old.Extra
	last, err := e.h.clone()
	if err != nil {
		return nil, err
	}
	made.put(last, digest)
	if inPlace {
		steps, err := e.h.stepsTo(last)
		return append([]step{made.step()}, steps...), err
	}
	return e.changeSteps2(made, digest, last)
}

// changeSteps2 go by way of a header that has the old slot under a free number.
func (e *Editor) changeSteps2(made *newSlot, digest int, last *Header) ([]step, error) {
	between, err := e.h.clone()
	if err != nil {
		return nil, err
	}
	made.put(between, digest)
	spare, err := between.freeSlot(AnySlot)
	if err != nil { // the header is full of numbers: the old area is overwritten once nothing names it
		between = last
	} else {
		(&newSlot{id: spare, v2: e.h.V2.Metadata.Keyslots[made.id]}).put(between, digest)
	}
	a, err1 := e.h.stepsTo(between)
	if errors.Is(err1, ErrNoRoom) { // of text
		between = last
		a, err1 = e.h.stepsTo(between)
	}
	if between == last {
		old, err := e.h.slotArea(made.id)
		if err != nil {
			return nil, err
		}
		return slices.Concat([]step{made.step()}, a, []step{old.wiping(made.id)}), err1
	}
	b, err2 := removal(between, last, spare)
	return slices.Concat([]step{made.step()}, a, b), errors.Join(err1, err2)
}

// slotDigest is the number of the digest of slot id, which has to prove key.
func (h *Header) slotDigest(ctx context.Context, key *Key, id int) (int, error) {
	m := h.V2.Metadata
	for _, d := range sortedIDs(m.Digests) {
		if !slices.Contains(m.Digests[d].Keyslots, id) {
			continue
		}
		ok, err := m.Digests[d].proves(ctx, key.Bytes())
		if err == nil && !ok {
			err = fmt.Errorf("it is not the key of slot %d: %w", id, ErrWrongKey)
		}
		return d, err
	}
	return 0, bad("key slot %d has no digest", id)
}

// inherit fills in what is not said from the slot that is replaced.
func (o *SlotOptions) inherit(old *Keyslot) {
	if o.Cipher == "" && !isNull(old.Area.Encryption) {
		o.Cipher, o.KeySize = old.Area.Encryption, int(old.Area.KeySize)
	}
	if o.AFHash == "" {
		o.AFHash = old.AF.Hash
	}
	if o.Priority == nil && old.Priority != nil {
		o.Priority = new(int64(old.priority()))
	}
}

// remake makes the slot in the room of the one it replaces.
func (e *Editor) remake(ctx context.Context, key *Key, pass []byte, o SlotOptions) (*newSlot, error) {
	without, err := e.h.clone()
	if err != nil {
		return nil, err
	}
	area := without.V2.Metadata.Keyslots[o.Slot].Area
	without.V2.Metadata.drop(o.Slot)
	made, err := without.makeSlotAs(ctx, o.Slot, key.Bytes(), pass, o, rand.Reader)
	if err != nil {
		return nil, err
	}
	if int64(area.Size) < int64(len(made.area)) {
		return nil, fmt.Errorf("the slot's area of %d bytes: %w", area.Size, ErrNoRoom)
	}
	made.offset, made.v2.Area.Offset, made.v2.Area.Size = int64(area.Offset), area.Offset, area.Size
	return made, nil
}
