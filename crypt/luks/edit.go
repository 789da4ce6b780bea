package luks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
)

// labelSize is that of the fields for label and subsystem, in bytes; a NUL ends the text.
const labelSize = 48

// padding2 is where a copy of LUKS2 has zeros up to the JSON area.
const padding2 = 512

// Editor changes a header. Each change is on disk when its method returns, and at every
// moment before, one valid header is: with the new state or the old one, or on the way
// from one to the other with a key slot more (see the methods). When writing fails, the
// Editor goes on with what it then finds. Bytes that overwrite key material are random;
// whether they meet the old ones is the storage's affair: flash memory and copy-on-write
// file systems keep copies. Not for concurrent use.
type Editor struct {
	// AllowLast lets the last key slot be removed that opens the data, after which only
	// the volume key does.
	AllowLast bool

	// AllowInPlace lets ChangeKey overwrite a key slot when there is no room for a new one
	// beside it. A crash in that moment loses the slot: neither passphrase opens it.
	AllowInPlace bool

	s Storage
	h *Header
}

// Edit reads a header to change it. s stays the caller's; a [File] opened for writing is
// locked. Errors are those of [Read].
func Edit(s Storage) (*Editor, error) {
	h, err := Read(s)
	if err != nil {
		return nil, err
	}
	return &Editor{s: s, h: h}, nil
}

// Header is the header as it is now. It is not the caller's to change.
func (e *Editor) Header() *Header { return e.h }

// ready refuses to change what this package does not understand whole, or somebody else
// changed.
func (e *Editor) ready() error {
	if err := e.whole(); err != nil || e.h.Version == 1 {
		return err
	}
	return e.h.V2.Metadata.refuse()
}

// whole refuses to change a header that somebody else changed, or whose first copy is not
// one of LUKS any more: another format may have it.
func (e *Editor) whole() error {
	now, err := Read(e.s)
	if err != nil {
		return err
	}
	if !e.h.same(now) {
		return ErrChanged
	}
	if e.h.Version == 1 || e.h.damaged[0] == nil {
		return nil
	}
	head, err := readSome(e.s, 0, binarySize2)
	if err != nil {
		return err
	}
	_, wrong := decodeBinary2(head, 0)
	if wrong != nil || bytes.Count(head[padding2:], []byte{0}) < len(head)-padding2 {
		return fmt.Errorf("something else is where the first copy of the header was (%w): repair it before anything is changed", e.h.damaged[0])
	}
	return nil // it is as a crash leaves it, and is written first
}

// removable is ready for removing keys, which does not need to understand what a header
// requires, unless it is a re-encryption: that has slots of its own.
func (e *Editor) removable() error {
	if err := e.whole(); err != nil || e.h.Version == 1 {
		return err
	}
	m := e.h.V2.Metadata
	for _, k := range m.Keyslots {
		if k.Type == keyslotRecode {
			return m.refuse()
		}
	}
	return nil
}

// same reports whether the header on disk is the one that was read before.
func (h *Header) same(now *Header) bool {
	if h.Version != now.Version {
		return false
	}
	if h.Version == 1 {
		return *h.V1 == *now.V1
	}
	a, b := h.V2, now.V2
	return a.SequenceID == b.SequenceID && a.Salt == b.Salt && a.Offset == b.Offset && string(a.JSON) == string(b.JSON)
}

// clone is a copy to change. Its text is made anew from its objects.
func (h *Header) clone() (*Header, error) {
	c := &Header{Version: h.Version, source: h.source}
	if h.Version == 1 {
		c.V1 = new(*h.V1)
		c.note1()
		return c, nil
	}
	c.V2 = new(*h.V2)
	m, err := ParseMetadata(h.V2.JSON, h.V2.Size)
	c.V2.Metadata, c.V2.JSON = m, nil
	return c, err
}

// stepsTo make next the header on disk.
func (h *Header) stepsTo(next *Header) ([]step, error) {
	if h.Version == 1 {
		return steps1(h.V1, next.V1)
	}
	return steps2(h.V2, next.V2)
}

// run takes the steps, and goes on with the header that is then there. They took time to
// make: what they replace has to be there still.
func (e *Editor) run(steps []step) error {
	if now, err := Read(e.s); err != nil || !e.h.same(now) {
		return errors.Join(ErrChanged, err)
	}
	err := run(e.s, steps)
	now, again := Read(e.s)
	if again == nil {
		e.h = now
	}
	return errors.Join(err, again)
}

// change writes a header that differs in what edit does to it.
func (e *Editor) change(edit func(next *Header) error) error {
	if err := e.ready(); err != nil {
		return err
	}
	next, err := e.h.clone()
	if err != nil {
		return err
	}
	if err := edit(next); err != nil {
		return err
	}
	steps, err := e.h.stepsTo(next)
	if err != nil {
		return err
	}
	return e.run(steps)
}

// SetUUID gives the header another UUID, "" a random one: 36 characters with dashes, as in
// RFC 9562, of which lower case is kept. Errors wrap [ErrOption].
func (e *Editor) SetUUID(uuid string) error {
	err := e.change(func(next *Header) error {
		if uuid == "" {
			uuid = newUUID()
		}
		if !isUUID(uuid) {
			return option("%q is no UUID", clip(uuid))
		}
		uuid = strings.ToLower(uuid)
		if next.Version == 1 {
			next.V1.UUID = uuid
		} else {
			next.V2.UUID = uuid
		}
		return nil
	})
	return wrap("luks: changing the UUID", err)
}

// SetLabel sets the label and the subsystem of a header of LUKS2, which other programs
// find it by; nil leaves one as it is. Each has at most 47 bytes.
func (e *Editor) SetLabel(label, subsystem *string) error {
	err := e.change(func(next *Header) error {
		if next.Version == 1 {
			return fmt.Errorf("LUKS1 has neither label nor subsystem: %w", ErrUnsupported)
		}
		for _, f := range []struct {
			what string
			text *string
			to   *string
		}{{"label", label, &next.V2.Label}, {"subsystem", subsystem, &next.V2.Subsystem}} {
			if f.text == nil {
				continue
			}
			if err := checkLabel(*f.text); err != nil {
				return wrap(f.what, err)
			}
			*f.to = *f.text
		}
		return nil
	})
	return wrap("luks: changing the label", err)
}

// checkLabel refuses what the fields of a label and a subsystem cannot hold.
func checkLabel(s string) error {
	if err := putText(make([]byte, labelSize), s); err != nil {
		return option("%w", err)
	}
	return nil
}

// SetPriority says when a key slot of LUKS2 is tried: 0 on request only, 1 as others, 2
// first.
func (e *Editor) SetPriority(slot int, priority int64) error {
	err := e.change(func(next *Header) error {
		if next.Version == 1 {
			return fmt.Errorf("LUKS1 has no priorities: %w", ErrUnsupported)
		}
		k := next.V2.Metadata.Keyslots[slot]
		switch {
		case k == nil:
			return fmt.Errorf("key slot %d is not in use: %w", slot, ErrNoKeyslot)
		case priority < onRequest || priority > preferred:
			return option("priority %d: want 0 (on request), 1 (normal) or 2 (preferred)", priority)
		}
		k.Priority = &priority
		if priority == normal {
			k.Priority = nil
		}
		return nil
	})
	return wrap("luks: changing the priority of a key slot", err)
}

// RemoveKey removes the key slot that a passphrase opens and returns its number; o says
// which are tried. See [Editor.KillSlot].
func (e *Editor) RemoveKey(ctx context.Context, pass []byte, o UnlockOptions) (int, error) {
	key, err := e.h.Unlock(ctx, pass, o)
	if err != nil {
		return 0, err
	}
	key.Wipe()
	return key.Slot, e.KillSlot(key.Slot)
}
