package luks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"testing"
)

// edition is something that an Editor does, and what it changes.
type edition struct {
	name    string
	version int
	slots   map[int]string // passphrases before
	do      func(ctx context.Context, e *Editor, key *Key) error
	after   []string // passphrases that open afterwards
	gone    []int    // slots whose key material must be overwritten
	newer   bool     // the first copy does not have the last slot, as a crash leaves it
}

// cheapSlot is slot id with the smallest costs.
func cheapSlot(id int) SlotOptions { return SlotOptions{Slot: id, Cost: cheapPBKDF2} }

func kill(id int) func(context.Context, *Editor, *Key) error {
	return func(_ context.Context, e *Editor, _ *Key) error { return e.KillSlot(id) }
}

func add(id int, pass string) func(context.Context, *Editor, *Key) error {
	return func(ctx context.Context, e *Editor, key *Key) error {
		_, err := e.AddKey(ctx, key, []byte(pass), cheapSlot(id))
		return err
	}
}

func change(id int, pass string) func(context.Context, *Editor, *Key) error {
	return func(ctx context.Context, e *Editor, key *Key) error {
		got, err := e.ChangeKey(ctx, key, []byte(pass), cheapSlot(id))
		if err == nil && got != id {
			err = fmt.Errorf("slot %d became %d", id, got)
		}
		return err
	}
}

func editions() (list []edition) {
	for version := 1; version <= 2; version++ {
		n := func(name string) string { return fmt.Sprintf("luks%d %s", version, name) }
		two := map[int]string{0: "a", 6: "b"}
		list = append(list,
			edition{n("kill"), version, two, kill(0), []string{"b"}, []int{0}, false},
			edition{n("kill slot 6"), version, two, kill(6), []string{"a"}, []int{6}, false},
			edition{n("add"), version, two, add(AnySlot, "c"), []string{"a", "b", "c"}, nil, false},
			edition{n("add slot 6"), version, map[int]string{7: "a"}, add(6, "c"), []string{"a", "c"}, nil, false},
			edition{n("add slot 7"), version, two, add(7, "c"), []string{"a", "b", "c"}, nil, false},
			edition{n("change"), version, map[int]string{3: "a"}, change(3, "c"), []string{"c"}, []int{3}, false},
			edition{n("change slot 6"), version, two, change(6, "c"), []string{"a", "c"}, []int{6}, false},
			edition{n("erase"), version, map[int]string{0: "a", 6: "b", 7: "c"}, func(_ context.Context, e *Editor, _ *Key) error { return e.Erase() }, nil, []int{0, 6, 7}, false},
			edition{n("uuid"), version, two, func(_ context.Context, e *Editor, _ *Key) error { return e.SetUUID("") }, []string{"a", "b"}, nil, false},
			edition{n("remove"), version, two, func(ctx context.Context, e *Editor, _ *Key) error {
				_, err := e.RemoveKey(ctx, []byte("b"), UnlockOptions{})
				return err
			}, []string{"a"}, []int{6}, false},
		)
	}
	return append(list,
		edition{name: "luks2 newer", version: 2, slots: map[int]string{0: "a", 1: "b"}, do: kill(0), after: []string{"b"}, gone: []int{0}, newer: true},
		edition{"luks2 label", 2, map[int]string{0: "a"}, func(_ context.Context, e *Editor, _ *Key) error { return e.SetLabel(new("x"), nil) }, []string{"a"}, nil, false},
		edition{"luks2 priority", 2, map[int]string{0: "a"}, func(_ context.Context, e *Editor, _ *Key) error { return e.SetPriority(0, preferred) }, []string{"a"}, nil, false},
		edition{"luks2 flags", 2, map[int]string{0: "a"}, func(_ context.Context, e *Editor, _ *Key) error { return e.SetFlags([]string{"allow-discards"}) }, []string{"a"}, nil, false},
	)
}

// prepare makes an image with the slots of the edition.
func (c edition) prepare(t *testing.T) (*disk, *Key) {
	t.Helper()
	d, key := blank(t, c.version)
	e, err := Edit(d)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, id := range slices.Sorted(maps.Keys(c.slots)) {
		first = bytes.Clone(d.b[:minSize2])
		if err := add(id, c.slots[id])(t.Context(), e, key); err != nil {
			t.Fatal(err)
		}
	}
	if c.newer {
		copy(d.b, first)
	}
	d.log = nil
	return d, key
}

// TestCrash stops every change of a header at every write. A valid header is read each
// time; the passphrases open that opened before or open afterwards, and those that open in
// both always do. What a header does not list any more is overwritten.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, c := range editions() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, key := c.prepare(t)
			before := bytes.Clone(d.b)
			e, err := Edit(d)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.do(t.Context(), e, key); err != nil {
				t.Fatal(err)
			}
			var old []string
			for _, pass := range c.slots {
				old = append(old, pass)
			}
			w := witness{t: t, always: both(old, c.after), old: old, after: c.after, opened: make(map[[32]byte]bool)}
			w.gone, w.listed = c.removed(t, before), len(c.gone) == 0
			d.crashes(t, before, w.visit)
			w.visitLast(d)
			w.alone(d)
			for _, g := range w.gone {
				if !g.overwritten(d.b) {
					t.Error("key material is left")
				}
			}
			if !bytes.Equal(before[dataAt:], d.b[dataAt:]) {
				t.Error("the data was changed")
			}
			if w.states < 5 {
				t.Errorf("only %d states", w.states)
			}
		})
	}
}

func both(a, b []string) (list []string) {
	for _, s := range a {
		if slices.Contains(b, s) {
			list = append(list, s)
		}
	}
	return list
}

// remains are key material that has to go.
type remains struct {
	area area
	b    []byte // as it was
}

// removed is what the slots have that go.
func (c edition) removed(t *testing.T, before []byte) (list []remains) {
	t.Helper()
	h, err := Read(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range h.slots() {
		if slices.Contains(c.gone, s.id) {
			list = append(list, remains{s.area, before[s.area.offset:][:32*stripes]})
		}
	}
	return list
}

// overwritten reports whether no sector is left.
func (r remains) overwritten(image []byte) bool {
	for off := int64(0); off < int64(len(r.b)); off += SectorSize {
		if bytes.Equal(r.b[off:off+SectorSize], image[r.area.offset+off:][:SectorSize]) {
			return false
		}
	}
	return true
}

// listed reports whether the header still has the slot.
func (r remains) listed(h *Header) bool {
	return slices.ContainsFunc(h.slots(), func(s *slot) bool { return s.area == r.area })
}

// witness looks at what a crash leaves.
type witness struct {
	t                  *testing.T
	always, old, after []string
	gone               []remains
	listed             bool              // every slot that is listed opens
	opened             map[[32]byte]bool // what was tried already
	states             int
}

func (w *witness) visit(what string, image *disk) {
	w.t.Helper()
	w.states++
	h, err := Read(image)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	for _, pass := range w.always {
		if !w.opens(h, image, pass) {
			w.t.Fatalf("%s: passphrase %s does not open", what, pass)
		}
	}
	if !w.all(h, image, w.old) && !w.all(h, image, w.after) {
		w.t.Fatalf("%s: neither the old passphrases open nor the new ones", what)
	}
	for _, s := range h.slots() {
		if w.listed && !slices.ContainsFunc(append(w.old, w.after...), func(pass string) bool { return w.opensSlot(s, image, pass) }) {
			w.t.Fatalf("%s: slot %d is listed and does not open", what, s.id)
		}
	}
	if len(h.Problems) > 0 {
		if _, err := Repair(image); err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
		if again, err := Read(image); err != nil || len(again.Problems) > 0 || !again.V2.sameText(h.V2) {
			w.t.Fatalf("%s: after a repair: %v, or another header", what, err)
		}
	}
	for _, g := range w.gone {
		if !g.listed(h) && !g.overwritten(image.b) {
			w.t.Fatalf("%s: a slot is gone from the header and its key material is not", what)
		}
	}
}

// visitLast looks at the state that is reached.
func (w *witness) visitLast(image *disk) {
	w.t.Helper()
	h, err := Read(image)
	if err != nil || len(h.Problems) > 0 {
		w.t.Fatalf("%v, %v", err, h.Problems)
	}
	for _, pass := range append(slices.Clone(w.old), w.after...) {
		if got, want := w.opens(h, image, pass), slices.Contains(w.after, pass); got != want {
			w.t.Errorf("afterwards passphrase %s opens: %t, want %t", pass, got, want)
		}
	}
	if n := len(h.slotIDs()); n != len(w.after) {
		w.t.Errorf("afterwards there are %d key slots, want %d", n, len(w.after))
	}
}

func (w *witness) all(h *Header, image *disk, passes []string) bool {
	for _, pass := range passes {
		if !w.opens(h, image, pass) {
			return false
		}
	}
	return true
}

// alone demands that the key material of the slots is nowhere else on the disk.
func (w *witness) alone(image *disk) {
	w.t.Helper()
	h, err := Read(image)
	if err != nil {
		w.t.Fatal(err)
	}
	material := make(map[[SectorSize]byte]int64)
	for _, s := range h.slots() {
		for off := s.area.offset; off < s.area.offset+32*stripes; off += SectorSize {
			material[[SectorSize]byte(image.b[off:])] = off
		}
	}
	for off := int64(0); off < dataAt; off += SectorSize {
		if at, ok := material[[SectorSize]byte(image.b[off:])]; ok && at != off {
			w.t.Fatalf("the key material at byte %d is at %d too", at, off)
		}
	}
}

// opens reports whether a passphrase opens some slot.
func (w *witness) opens(h *Header, image *disk, pass string) bool {
	return slices.ContainsFunc(h.slots(), func(s *slot) bool { return w.opensSlot(s, image, pass) })
}

// opensSlot tries a passphrase, once for each key material.
func (w *witness) opensSlot(s *slot, image *disk, pass string) bool {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %d %x %v ", pass, s.id, s.kdf.Salt, s.area)
	if s.area.offset < int64(len(image.b)) {
		sum.Write(image.b[s.area.offset:min(s.area.offset+s.area.size, int64(len(image.b)))])
	}
	id := [32]byte(sum.Sum(nil))
	opened, known := w.opened[id]
	if !known {
		key, err := s.open(w.t.Context(), image, []byte(pass))
		opened = err == nil
		key.wipe()
		w.opened[id] = opened
	}
	return opened
}
