package luks

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// slotted is a blank header with key slots whose passphrases are their numbers.
func slotted(t *testing.T, version int, ids ...int) *disk {
	t.Helper()
	d, key := blank(t, version)
	e, err := Edit(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := e.AddKey(t.Context(), key, fmt.Append(nil, id), cheapSlot(id)); err != nil {
			t.Fatal(err)
		}
	}
	d.log = nil
	return d
}

// opens demands a header of which every slot opens, to the same key, and no other is.
func opens(t *testing.T, what string, d *disk, ids []int) *Header {
	t.Helper()
	h, err := Read(d)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if n := len(h.slots()); n != len(ids) {
		t.Errorf("%s: %d slots", what, n)
	}
	for _, id := range ids {
		key, err := h.Unlock(t.Context(), fmt.Append(nil, id), UnlockOptions{Slots: []int{id}})
		if err != nil || key.Bytes()[1] != 4 {
			t.Errorf("%s: slot %d: %v, or another key", what, id, err)
			continue
		}
		key.Wipe()
	}
	return h
}

// TestConvert goes both ways and stops at every point. The last cases have slots that go
// round in a circle.
func TestConvert(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version int // before
		ids     []int
	}{
		{1, []int{0}},
		{1, []int{0, 6}},
		{1, []int{5, 6, 7}},
		{1, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{1, nil},
		{2, []int{0}},
		{2, []int{6, 2}},
		{2, []int{7, 3, 1, 0, 2}},
	} {
		t.Run(fmt.Sprintf("LUKS%d %v", c.version, c.ids), func(t *testing.T) {
			t.Parallel()
			d := slotted(t, c.version, c.ids...)
			before := bytes.Clone(d.b)
			e, err := Edit(d)
			if err != nil {
				t.Fatal(err)
			}
			old := make([]area, 0, len(c.ids))
			for _, s := range e.h.slots() {
				old = append(old, area{s.area.offset, 32 * stripes})
			}
			if err := e.Convert(t.Context(), 3-c.version); err != nil {
				t.Fatal(err)
			}
			h := opens(t, "afterwards", d, c.ids)
			if h.Version == c.version || h.Version != e.Header().Version || len(h.Problems) > 0 || h.UUID() == "" {
				t.Errorf("version %d, problems %v", h.Version, h.Problems)
			}
			if data := dataOffset(h); !bytes.Equal(d.b[data:], before[data:]) {
				t.Error("the data was changed")
			}
			for _, a := range old { // key material is nowhere but where its slot is
				checkMoved(t, d, before, h, a)
			}
			if testing.Short() && len(c.ids) > 2 {
				return // the others stop, too
			}
			first, err := Read(bytes.NewReader(before))
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			d.crashes(t, before, func(what string, image *disk) {
				sameSlots(t, what, first, before, image)
				if n++; n%5 == 0 {
					convertAgain(t, what, first, before, image, 3-c.version)
				}
			})
		})
	}
}

// convertAgain finishes a conversion that a crash ended.
func convertAgain(t *testing.T, what string, first *Header, before []byte, image *disk, version int) {
	t.Helper()
	if _, err := Repair(image); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	sameSlots(t, what+", repaired", first, before, image)
	e, err := Edit(image)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if e.Header().Version == version {
		return
	}
	if err := e.Convert(t.Context(), version); err != nil {
		t.Fatalf("%s, converted again: %v", what, err)
	}
	sameSlots(t, what+", converted again", first, before, image)
}

// dataOffset is where the data begins.
func dataOffset(h *Header) int64 {
	if h.Version == 1 {
		return int64(h.V1.PayloadOffset) * SectorSize
	}
	return int64(h.V2.Metadata.Segments[0].Offset)
}

// sameSlots demands a header of either version with the slots that first has in before, and
// the same material where it says that they are: they open then.
func sameSlots(t *testing.T, what string, first *Header, before []byte, image *disk) {
	t.Helper()
	h, err := Read(image)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	was, is := first.slots(), h.slots()
	if len(was) != len(is) || h.UUID() != first.UUID() {
		t.Fatalf("%s: %d slots, %d before, uuid %s", what, len(is), len(was), h.UUID())
	}
	for i, a := range was {
		b := is[i]
		x, y := before[a.area.offset:][:32*stripes], image.b[b.area.offset:][:32*stripes]
		same := a.id == b.id && a.encryption == b.encryption && a.afHash == b.afHash && bytes.Equal(a.kdf.Salt, b.kdf.Salt) &&
			a.kdf.Iterations == b.kdf.Iterations && bytes.Equal(a.digests[0].Digest[:digest1], b.digests[0].Digest[:digest1])
		if !same || !bytes.Equal(x, y) {
			t.Fatalf("%s: slot %d is another", what, a.id)
		}
	}
}

// checkMoved demands that nothing is left of key material in sectors of no slot.
func checkMoved(t *testing.T, d *disk, before []byte, h *Header, old area) {
	t.Helper()
	for at := old.offset; at < old.offset+old.size; at += SectorSize {
		taken := false
		for _, s := range h.slots() {
			taken = taken || s.area.meets(area{at, SectorSize})
		}
		if !taken && bytes.Equal(d.b[at:at+SectorSize], before[at:at+SectorSize]) {
			t.Errorf("key material is still at %d", at)
			return
		}
	}
}

// TestConvertRefusals asks for what the other version cannot have; nothing is written.
func TestConvertRefusals(t *testing.T) {
	t.Parallel()
	m := func(change func(m *Metadata)) func(*testing.T) *disk {
		return func(t *testing.T) *disk {
			t.Helper()
			d := slotted(t, 2, 0, 3)
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
			return d
		}
	}
	one := func(change func(h *Header1)) func(*testing.T) *disk {
		return func(t *testing.T) *disk {
			t.Helper()
			d := slotted(t, 1, 0, 1, 2, 3, 4, 5, 6, 7)
			h, err := Read(d)
			if err != nil {
				t.Fatal(err)
			}
			change(h.V1)
			b, err := h.V1.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			d.put(event{0, b})
			return d
		}
	}
	for _, c := range []struct {
		name    string
		image   func(*testing.T) *disk
		version int
		want    error
	}{
		{"no such version", m(func(*Metadata) {}), 3, ErrOption},
		{"already", m(func(*Metadata) {}), 2, ErrOption},
		{"LUKS1 already", one(func(*Header1) {}), 1, ErrOption},
		{"LUKS1 header too small", one(func(h *Header1) { h.PayloadOffset = 2056 }), 2, ErrNoRoom},
		{"LUKS1 without room to move", one(func(h *Header1) { h.PayloadOffset = 2112 }), 2, ErrNoRoom},
		{"token", m(func(m *Metadata) { m.Tokens[0] = &Token{Type: "x", Keyslots: IDs{}} }), 1, ErrOption},
		{"sector size", m(func(m *Metadata) { m.Segments[0].SectorSize = 4096 }), 1, ErrOption},
		{"integrity", m(func(m *Metadata) {
			m.Segments[0].Integrity = &Integrity{Type: "aead", JournalEncryption: "none", JournalIntegrity: "none"}
		}), 1, ErrOption},
		{"size", m(func(m *Metadata) { m.Segments[0].Size = SegmentSize{Bytes: 4096} }), 1, ErrOption},
		{"tweak", m(func(m *Metadata) { m.Segments[0].IVTweak = 8 }), 1, ErrOption},
		{"far offset", m(func(m *Metadata) { m.Segments[0].Offset = 1 << 42 }), 1, ErrOption},
		{"segments", m(func(m *Metadata) {
			m.Segments[0].Size = SegmentSize{Bytes: 4096}
			m.Segments[1] = &Segment{Type: segmentLinear, Offset: 4 << 20, Size: SegmentSize{Dynamic: true}}
		}), 1, ErrOption},
		{"linear", m(func(m *Metadata) { m.Segments[0].Type = segmentLinear }), 1, ErrOption},
		{"requirement", m(func(m *Metadata) { m.Config.Requirements = &Requirements{Mandatory: []string{"x"}} }), 1, ErrUnsupported},
		{"slot 8", m(func(m *Metadata) {
			m.Keyslots[8], m.Digests[0].Keyslots = m.Keyslots[3], IDs{0, 8}
			delete(m.Keyslots, 3)
		}), 1, ErrOption},
		{"argon2", m(func(m *Metadata) {
			m.Keyslots[3].KDF = &KDF{Type: kdfArgon2i, Time: 4, Memory: 32, CPUs: 1, Salt: make([]byte, 32)}
		}), 1, ErrOption},
		{"hash", m(func(m *Metadata) { m.Keyslots[3].KDF.Hash = "sha512" }), 1, ErrOption},
		{"splitter's hash", m(func(m *Metadata) { m.Keyslots[3].AF.Hash = "sha512" }), 1, ErrOption},
		{"digest's hash", m(func(m *Metadata) { m.Digests[0].Hash = "md5" }), 1, ErrOption},
		{"digest", m(func(m *Metadata) { m.Digests[0].Digest = m.Digests[0].Digest[:19] }), 1, ErrOption},
		{"salt", m(func(m *Metadata) { m.Keyslots[0].KDF.Salt = make([]byte, 16) }), 1, ErrOption},
		{"slot's cipher", m(func(m *Metadata) { m.Keyslots[0].Area.Encryption = "aes-cbc-plain64" }), 1, ErrOption},
		{"slot's key size", m(func(m *Metadata) { m.Keyslots[0].Area.KeySize = 64 }), 1, ErrOption},
		{"unbound", m(func(m *Metadata) {
			d := *m.Digests[0]
			d.Keyslots, d.Segments, m.Digests[0].Keyslots = IDs{3}, IDs{}, IDs{0}
			m.Digests[1] = &d
		}), 1, ErrOption},
		{"no slots", m(func(m *Metadata) { m.Keyslots, m.Digests[0].Keyslots = map[int]*Keyslot{}, IDs{} }), 1, ErrOption},
		{"keyslots area", m(func(m *Metadata) { m.Config.KeyslotsSize = 1<<20 - 4096 }), 1, ErrNoRoom},
		{"long cipher", m(func(m *Metadata) {
			long := "capi:xts(ecb(aes-generic-of-this-machine))-plain64"
			m.Segments[0].Encryption = long
			for _, k := range m.Keyslots {
				k.Area.Encryption = long
			}
		}), 1, ErrOption},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := c.image(t)
			e, err := Edit(d)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Convert(t.Context(), c.version); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if len(d.log) > 0 {
				t.Errorf("%d writes", len(d.log))
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := slotted(t, 1, 0)
	if e, err := Edit(d); err != nil || !errors.Is(e.Convert(ctx, 2), context.Canceled) || len(d.log) > 0 {
		t.Errorf("cancelled: %v, %d writes", err, len(d.log))
	}
}

// FuzzConvert converts headers with anything in them: never a panic, never a write far away,
// and what was converted has the same slots.
func FuzzConvert(f *testing.F) {
	slot := func(offset Number) *Keyslot {
		return &Keyslot{
			Type: keyslotLUKS2, KeySize: 32, AF: &AF{Type: afLUKS1, Stripes: stripes, Hash: "sha256"},
			Area: Area{Type: areaRaw, Offset: offset, Size: 131072, Encryption: fallback, KeySize: 32},
			KDF:  &KDF{Type: kdfPBKDF2, Hash: "sha256", Iterations: 1000, Salt: make([]byte, salt1)},
		}
	}
	m := &Metadata{
		Keyslots: map[int]*Keyslot{0: slot(32768), 5: slot(32768 + 131072)}, Tokens: map[int]*Token{},
		Segments: map[int]*Segment{0: {Type: segmentCrypt, Offset: 1216 << 10, Size: SegmentSize{Dynamic: true}, Encryption: fallback, SectorSize: SectorSize}},
		Digests:  map[int]*Digest{0: {Type: kdfPBKDF2, Keyslots: IDs{0, 5}, Segments: IDs{0}, Hash: "sha256", Iterations: 1000, Salt: make([]byte, salt1), Digest: make([]byte, 32)}},
		Config:   Config{JSONSize: minSize2 - binarySize2, KeyslotsSize: 1 << 20},
	}
	doc, err := m.MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc, uint16(0), uint32(0))
	f.Add([]byte(nil), uint16(104), uint32(0))
	f.Add([]byte(nil), uint16(208+40), uint32(8))
	var images [3]*disk
	f.Fuzz(func(t *testing.T, doc []byte, at uint16, value uint32) {
		if images[1] == nil {
			images[1], images[2] = slotted(t, 1, 0, 6), slotted(t, 2, 0, 3)
		}
		version := 1
		if doc != nil {
			version = 2
		}
		d := &disk{b: bytes.Clone(images[version].b)}
		if version == 1 {
			binary.BigEndian.PutUint32(d.b[at%(size1-4):], value)
		} else {
			h, err := Read(d)
			if err != nil {
				t.Fatal(err)
			}
			h.V2.JSON = doc
			for number := range uint64(2) {
				st, err := h.V2.copyStep(number)
				if err != nil {
					return
				}
				d.put(event{st.off, st.b})
			}
		}
		before := bytes.Clone(d.b)
		e, err := Edit(d)
		if err != nil {
			return
		}
		first := e.Header()
		if err := e.Convert(t.Context(), 3-version); err != nil {
			if len(d.log) > 0 {
				t.Errorf("written, then %v", err)
			}
			return
		}
		if len(d.b) > 256<<20 {
			t.Errorf("the image has %d bytes now", len(d.b))
		}
		sameSlots(t, "converted", first, before, d)
	})
}
