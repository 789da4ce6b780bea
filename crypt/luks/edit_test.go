package luks

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// images made for tests of the Editor.
var (
	luks1ab = edition{version: 1, slots: map[int]string{0: "a", 3: "b"}}
	luks2ab = edition{version: 2, slots: map[int]string{0: "a", 3: "b"}}
)

// editor opens the image of an edition.
func (c edition) editor(t *testing.T) (*disk, *Editor, *Key) {
	t.Helper()
	d, key := c.prepare(t)
	e, err := Edit(d)
	if err != nil {
		t.Fatal(err)
	}
	return d, e, key
}

// rewrite changes the JSON of both copies behind the Editor's back.
func rewrite(t *testing.T, d *disk, change func(m *Metadata)) {
	t.Helper()
	h, err := Read(d)
	if err != nil {
		t.Fatal(err)
	}
	change(h.V2.Metadata)
	for number := range uint64(2) {
		st, err := h.V2.text().copyStep(number)
		if err != nil {
			t.Fatal(err)
		}
		d.put(event{st.off, st.b})
	}
}

// require makes the header demand something.
func require(what string) func(m *Metadata) {
	return func(m *Metadata) { m.Config.Requirements = &Requirements{Mandatory: []string{what}} }
}

// TestEditRefuses what must not be done, and writes nothing then.
func TestEditRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	wrong := NewKey(make([]byte, 32))
	defer wrong.Wipe()
	last := edition{version: 2, slots: map[int]string{2: "a"}}
	for _, c := range []struct {
		name  string
		image edition
		do    func(e *Editor, key *Key) error
		want  error
	}{
		{"kill a free slot", luks1ab, func(e *Editor, _ *Key) error { return e.KillSlot(1) }, ErrNoKeyslot},
		{"kill a free slot", luks2ab, func(e *Editor, _ *Key) error { return e.KillSlot(1) }, ErrNoKeyslot},
		{"kill no slot", luks1ab, func(e *Editor, _ *Key) error { return e.KillSlot(8) }, ErrNoKeyslot},
		{"kill no slot", luks2ab, func(e *Editor, _ *Key) error { return e.KillSlot(-1) }, ErrNoKeyslot},
		{"kill the last slot", last, func(e *Editor, _ *Key) error { return e.KillSlot(2) }, ErrLastSlot},
		{"remove the last key", last, func(e *Editor, _ *Key) error { _, err := e.RemoveKey(ctx, []byte("a"), UnlockOptions{}); return err }, ErrLastSlot},
		{"remove a wrong key", last, func(e *Editor, _ *Key) error { _, err := e.RemoveKey(ctx, []byte("x"), UnlockOptions{}); return err }, ErrWrongKey},
		{"add to a slot in use", luks1ab, func(e *Editor, key *Key) error { return add(3, "c")(ctx, e, key) }, ErrSlotInUse},
		{"add to a slot in use", luks2ab, func(e *Editor, key *Key) error { return add(3, "c")(ctx, e, key) }, ErrSlotInUse},
		{"add to no slot", luks1ab, func(e *Editor, key *Key) error { return add(8, "c")(ctx, e, key) }, ErrOption},
		{"add to no slot", luks2ab, func(e *Editor, key *Key) error { return add(32, "c")(ctx, e, key) }, ErrOption},
		{"add a wrong key", luks1ab, func(e *Editor, _ *Key) error { return add(1, "c")(ctx, e, wrong) }, ErrWrongKey},
		{"add a wrong key", luks2ab, func(e *Editor, _ *Key) error { return add(1, "c")(ctx, e, wrong) }, ErrWrongKey},
		{"add no key", luks2ab, func(e *Editor, _ *Key) error { return add(1, "c")(ctx, e, nil) }, ErrWrongKey},
		{"add the volume key for no segment", luks2ab, func(e *Editor, key *Key) error {
			_, err := e.AddKey(ctx, key, []byte("c"), SlotOptions{Slot: AnySlot, Cost: cheapPBKDF2, Unbound: true})
			return err
		}, ErrOption},
		{"change a free slot", luks1ab, func(e *Editor, key *Key) error { return change(1, "c")(ctx, e, key) }, ErrNoKeyslot},
		{"change with a wrong key", luks1ab, func(e *Editor, _ *Key) error { return change(0, "c")(ctx, e, wrong) }, ErrWrongKey},
		{"change with a wrong key", luks2ab, func(e *Editor, _ *Key) error { return change(0, "c")(ctx, e, wrong) }, ErrWrongKey},
		{"change with no key", luks2ab, func(e *Editor, _ *Key) error { return change(0, "c")(ctx, e, nil) }, ErrWrongKey},
		{"UUID", luks1ab, func(e *Editor, _ *Key) error { return e.SetUUID("0a8c9a7e7f0b4b5c8d7a2f6c5d4e3b2a") }, ErrOption},
		{"UUID", luks2ab, func(e *Editor, _ *Key) error { return e.SetUUID("no") }, ErrOption},
		{"label", luks1ab, func(e *Editor, _ *Key) error { return e.SetLabel(new("x"), nil) }, ErrUnsupported},
		{"long label", luks2ab, func(e *Editor, _ *Key) error { return e.SetLabel(new(strings.Repeat("x", 48)), nil) }, ErrOption},
		{"label with NUL", luks2ab, func(e *Editor, _ *Key) error { return e.SetLabel(nil, new("a\x00b")) }, ErrOption},
		{"priority", luks1ab, func(e *Editor, _ *Key) error { return e.SetPriority(0, 2) }, ErrUnsupported},
		{"priority", luks2ab, func(e *Editor, _ *Key) error { return e.SetPriority(0, 3) }, ErrOption},
		{"priority of a free slot", luks2ab, func(e *Editor, _ *Key) error { return e.SetPriority(1, 2) }, ErrNoKeyslot},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, e, key := c.image.editor(t)
			if err := c.do(e, key); !errors.Is(err, c.want) || len(d.log) > 0 {
				t.Errorf("%v and %d writes, want %v", err, len(d.log), c.want)
			}
		})
	}
}

// TestEditRequirements changes nothing in a header that demands what is not known, but
// removes keys, as cryptsetup does.
func TestEditRequirements(t *testing.T) {
	t.Parallel()
	d, _, key := luks2ab.editor(t)
	rewrite(t, d, require("what is not known"))
	e, err := Edit(d)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"add":    add(AnySlot, "c")(t.Context(), e, key),
		"change": change(0, "c")(t.Context(), e, key),
		"uuid":   e.SetUUID(""),
		"label":  e.SetLabel(new("x"), nil),
	} {
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "what is not known") {
			t.Errorf("%s: %v, want %v", name, err, ErrUnsupported)
		}
	}
	if len(d.log) > 0 {
		t.Error("something was written")
	}
	if err := errors.Join(e.KillSlot(0), e.Erase()); err != nil {
		t.Error(err)
	}
}

// TestEditKeeps what is not known, and takes a slot that goes out of tokens and digests.
func TestEditKeeps(t *testing.T) {
	t.Parallel()
	d, _, key := luks2ab.editor(t)
	rewrite(t, d, func(m *Metadata) {
		m.Extra = Members{"further": []byte(`[1.50,"<&>"]`)}
		m.Keyslots[3].Extra = Members{"later": []byte(`{"x":1}`)}
		m.Tokens[5] = &Token{Type: "what", Keyslots: IDs{0, 3}, Extra: Members{"secret": []byte(`"kept"`)}}
	})
	e, err := Edit(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(change(3, "c")(t.Context(), e, key), e.KillSlot(0), e.SetLabel(new("x"), new("y"))); err != nil {
		t.Fatal(err)
	}
	doc := string(e.Header().V2.JSON)
	for _, want := range []string{`"further":[1.50,"<&>"]`, `"later":{"x":1}`, `"secret":"kept"`, `"tokens":{"5":{"type":"what","keyslots":["3"]`, `"keyslots":["3"],"segments":["0"]`} {
		if !strings.Contains(doc, want) {
			t.Errorf("%s is missing in %s", want, doc)
		}
	}
	if h := e.Header().V2; h.Label != "x" || h.Subsystem != "y" {
		t.Errorf("label %q, subsystem %q", h.Label, h.Subsystem)
	}
}

// TestEditUnbound adds a key for no segment and removes it, its digest included.
func TestEditUnbound(t *testing.T) {
	t.Parallel()
	_, e, _ := edition{version: 2, slots: map[int]string{0: "a"}}.editor(t)
	id, err := e.AddKey(t.Context(), nil, []byte("u"), SlotOptions{Slot: 9, Cost: cheapPBKDF2, Unbound: true})
	if err != nil || id != 9 {
		t.Fatalf("slot %d, %v", id, err)
	}
	key, err := e.Header().Unlock(t.Context(), []byte("u"), UnlockOptions{Slots: []int{9}})
	if err != nil || len(key.Segments) > 0 || len(key.Bytes()) != unboundSize {
		t.Fatalf("%v, %v", key, err)
	}
	defer key.Wipe()
	if err := e.KillSlot(0); !errors.Is(err, ErrLastSlot) {
		t.Errorf("the last slot that opens the data: %v, want %v", err, ErrLastSlot)
	}
	if err := e.KillSlot(9); err != nil {
		t.Error(err)
	}
	if n := len(e.Header().V2.Metadata.Digests); n != 1 {
		t.Errorf("%d digests are left", n)
	}
}

// TestEditFull fills a header until it has no room for a key, and changes one all the same
// if that is allowed.
func TestEditFull(t *testing.T) {
	t.Parallel()
	for version := 1; version <= 2; version++ {
		d, e, key := edition{version: version}.editor(t)
		slots := 0
		var err error
		for ; err == nil; slots++ {
			err = add(AnySlot, "a")(t.Context(), e, key)
		}
		if want := 9; !errors.Is(err, ErrNoRoom) || slots != want { // LUKS2: of 1 MiB, 128 KiB each
			t.Errorf("luks%d: %d keys, %v, want %d, %v", version, slots, err, want, ErrNoRoom)
		}
		d.log = nil
		if err := change(2, "c")(t.Context(), e, key); !errors.Is(err, ErrNoRoom) || len(d.log) > 0 {
			t.Errorf("luks%d: changing one: %v, want %v", version, err, ErrNoRoom)
		}
		e.AllowInPlace = true
		if err := change(2, "c")(t.Context(), e, key); err != nil {
			t.Errorf("luks%d: changing one in place: %v", version, err)
		}
		got, err := e.Header().Unlock(t.Context(), []byte("c"), UnlockOptions{})
		if err != nil || got.Slot != 2 {
			t.Errorf("luks%d: %v, %v", version, got, err)
		}
	}
}

// TestEditText fills the JSON area: nothing is written then.
func TestEditText(t *testing.T) {
	t.Parallel()
	d, _, key := luks2ab.editor(t)
	rewrite(t, d, func(m *Metadata) {
		m.Tokens[0] = &Token{Type: "x", Keyslots: IDs{}, Extra: Members{"x": []byte(`"` + strings.Repeat("x", 11000) + `"`)}}
	})
	e, err := Edit(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := add(AnySlot, "c")(t.Context(), e, key); !errors.Is(err, ErrNoRoom) || len(d.log) > 0 {
		t.Errorf("%v, want %v", err, ErrNoRoom)
	}
	if err := change(0, "c")(t.Context(), e, key); err != nil { // there is room for it, but not for a slot more
		t.Error(err)
	}
	for pass, want := range map[string]bool{"a": false, "b": true, "c": true} {
		key, err := e.Header().Unlock(t.Context(), []byte(pass), UnlockOptions{})
		if (err == nil) != want {
			t.Errorf("passphrase %s: %v", pass, err)
		}
		if err == nil {
			key.Wipe()
		}
	}
}

// TestEditChanged notices that somebody else changed the header.
func TestEditChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []edition{luks1ab, luks2ab} {
		d, e, _ := c.editor(t)
		other, err := Edit(d)
		if err == nil {
			err = other.SetUUID("")
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := e.KillSlot(0); !errors.Is(err, ErrChanged) {
			t.Errorf("luks%d: %v, want %v", c.version, err, ErrChanged)
		}
		d.log = nil
		if err := e.run([]step{{b: []byte{0}}}); !errors.Is(err, ErrChanged) || len(d.log) > 0 { // while a key was made
			t.Errorf("luks%d: %v, want %v", c.version, err, ErrChanged)
		}
	}
}

// TestEditDamaged mends a first copy that a crash has left, and leaves one alone that
// something else was written over.
func TestEditDamaged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		damage  func(b []byte)
		refused bool
	}{
		{"torn", func(b []byte) { clear(b[6000:7000]) }, false},
		{"other copy", func(b []byte) { clear(b[minSize2+100 : minSize2+200]) }, false},
		{"wiped", func(b []byte) { clear(b[:4096]) }, true},
		{"superblock of a file system", func(b []byte) { copy(b[1080:], "\x53\xef") }, true},
	} {
		d, _ := luks2ab.prepare(t)
		c.damage(d.b)
		e, err := Edit(d)
		if err != nil {
			t.Fatal(err)
		}
		err = e.SetUUID("")
		if c.refused {
			if err == nil || !strings.Contains(err.Error(), "repair it") || len(d.log) > 0 {
				t.Errorf("%s: %v, want to be told to repair it", c.name, err)
			}
			continue
		}
		if err != nil || len(e.Header().Problems) > 0 {
			t.Errorf("%s: %v, %v", c.name, err, e.Header().Problems)
		}
	}
}

// TestEditFails lets every write and sync fail, once with the first half written. The
// Editor goes on with what is there, and can complete the change.
func TestEditFails(t *testing.T) {
	t.Parallel()
	for _, c := range []edition{luks1ab, luks2ab} {
		d, e, _ := c.editor(t)
		if err := e.KillSlot(0); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= len(d.log); n++ {
			for _, torn := range []bool{false, true} {
				d, e, _ := c.editor(t)
				d.failAt, d.torn = n, torn
				if err := e.KillSlot(0); !errors.Is(err, errDisk) {
					t.Fatalf("luks%d, event %d: %v, want %v", c.version, n, err, errDisk)
				}
				d.failAt = 0
				if err := e.KillSlot(0); err != nil && !errors.Is(err, ErrNoKeyslot) {
					t.Errorf("luks%d, event %d: again: %v", c.version, n, err)
				}
				h, err := Read(d)
				if err != nil || len(h.slotIDs()) != 1 || !h.same(e.Header()) {
					t.Errorf("luks%d, event %d: %v", c.version, n, err)
				}
			}
		}
	}
}

// TestEditCancelled writes nothing when nobody waits any more.
func TestEditCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, e, key := luks2ab.editor(t)
	if err := add(AnySlot, "c")(ctx, e, key); !errors.Is(err, context.Canceled) || len(d.log) > 0 {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// TestEditGrows adds a key to a file of LUKS1 that ends before the slot's place.
func TestEditGrows(t *testing.T) {
	t.Parallel()
	d, key := blank(t, 1)
	d.b = bytes.Clone(d.b[:8192])
	e, err := Edit(d)
	if err == nil {
		err = errors.Join(add(7, "a")(t.Context(), e, key), change(7, "b")(t.Context(), e, key))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Header().Unlock(t.Context(), []byte("b"), UnlockOptions{}); err != nil {
		t.Error(err)
	}
}
