package luks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// patch is what is written over a header of LUKS1.
type patch struct {
	off int
	b   []byte
}

func word(off int, v uint32) patch { return patch{off, binary.BigEndian.AppendUint32(nil, v)} }

// slotAt is the offset of a field of a slot of LUKS1.
func slotAt(slot, field int) int { return firstSlot1 + slot*slot1Size + field }

// repairs are damages of LUKS1. mended is what is written instead of what was there before
// them, nil for nothing. further marks what cryptsetup does not mend, or not without
// another damage.
var repairs = []struct {
	name    string
	damage  []patch
	mended  []patch
	further bool
	refused bool
}{
	{name: "free slot without offset", damage: []patch{word(slotAt(3, 40), 0)}},
	{name: "free slot far away", damage: []patch{word(slotAt(3, 40), 1<<32-1)}},
	{name: "free slot in the data", damage: []patch{word(slotAt(3, 40), 3000)}},
	{name: "free slot over another", damage: []patch{word(slotAt(3, 40), 264)}},
	{name: "free slot without stripes", damage: []patch{word(slotAt(3, 44), 0)}},
	{name: "last slot", damage: []patch{word(slotAt(7, 44), 1), word(slotAt(7, 40), 1)}},
	{name: "salt of a damaged free slot", damage: []patch{{slotAt(3, 4), []byte("salt of a slot")}, word(slotAt(3, 44), 0)}},
	{name: "partition table", damage: []patch{{446, bytes.Repeat([]byte{1, 2, 3, 4}, 16)}, {510, []byte{0x55, 0xaa}}}},
	{name: "several", damage: []patch{
		{446, bytes.Repeat([]byte{1, 2, 3, 4}, 16)}, {510, []byte{0x55, 0xaa}}, {72, []byte("SHA256")}, word(slotAt(7, 44), 1), word(slotAt(7, 40), 1),
	}},
	{name: "mark of a partition table", damage: []patch{{510, []byte{0x55, 0xaa}}}, further: true},
	{name: "hash in capitals", damage: []patch{{72, []byte("SHA256")}}},
	{name: "mode in capitals", damage: []patch{{40, []byte("XTS-PLAIN64")}}, further: true},
	{name: "free slot without state", damage: []patch{word(slotAt(3, 0), 0x12345678)}, further: true},
	{name: "slot in use without state", damage: []patch{word(slotAt(1, 0), 0x12345678)}, further: true},
	{name: "slot in use without stripes", damage: []patch{word(slotAt(1, 44), 0)}, further: true},
	{name: "slot in use over another", damage: []patch{word(slotAt(1, 40), 8)}, further: true},
	{name: "slot in use in the header", damage: []patch{word(slotAt(1, 40), 0)}, further: true},
	{name: "slot in use without iterations", damage: []patch{word(slotAt(1, 4), 0)}, mended: []patch{word(slotAt(1, 0), slotFree1), word(slotAt(1, 4), 0)}, further: true},
	{name: "key size", damage: []patch{word(108, 0)}, refused: true},
	{name: "key size and a slot", damage: []patch{word(108, 65), word(slotAt(3, 44), 0)}, refused: true},
	{name: "no slots", damage: []patch{{firstSlot1, make([]byte, slots1*slot1Size)}}, refused: true},
	{name: "no iterations of the digest", damage: []patch{word(164, 0)}, refused: true},
	{name: "no cipher", damage: []patch{{8, make([]byte, 32)}}, refused: true},
}

// damaged1 is an image of LUKS1 with two slots, as it was and with a patch.
func damaged1(t *testing.T, patches []patch) (before, after *disk) {
	t.Helper()
	c := edition{version: 1, slots: map[int]string{0: "a", 1: "b"}}
	before, _ = c.prepare(t)
	after = &disk{b: bytes.Clone(before.b)}
	for _, p := range patches {
		copy(after.b[p.off:], p.b)
	}
	return before, after
}

func TestRepair1(t *testing.T) {
	t.Parallel()
	for _, c := range repairs {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want, d := damaged1(t, c.damage)
			for _, p := range c.mended {
				copy(want.b[p.off:], p.b)
			}
			damaged := bytes.Clone(d.b)
			report, err := Repair(d)
			if c.refused {
				if !errors.Is(err, ErrHeader) || !bytes.Equal(d.b, damaged) {
					t.Errorf("%v, want %v and nothing changed", err, ErrHeader)
				}
				return
			}
			if err != nil || len(report) == 0 {
				t.Fatalf("%q, %v", report, err)
			}
			if !bytes.Equal(d.b, want.b) {
				t.Errorf("%q: the header is\n%x\nwant\n%x", report, d.b[:size1], want.b[:size1])
			}
			d.crashes(t, damaged, func(what string, image *disk) {
				if _, err := Repair(image); err != nil || !bytes.Equal(image.b, want.b) {
					t.Errorf("%s: %v, or another header", what, err)
				}
			})
			if report, err := Repair(d); err != nil || len(report) > 0 {
				t.Errorf("again: %q, %v", report, err)
			}
		})
	}
}

// TestRepair1Peer lets cryptsetup mend the same. It takes a second for each.
func TestRepair1Peer(t *testing.T) {
	t.Parallel()
	tool(t, "cryptsetup")
	for _, c := range repairs {
		if c.further || c.name != "several" && os.Getenv("DMIMG_TEST_COSTLY") == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, d := damaged1(t, c.damage)
			path := imageFile(t, d.b)
			out, err := exec.Command("cryptsetup", "repair", "-q", path).CombinedOutput()
			if c.refused {
				if err == nil && strings.Contains(c.name, "key size") {
					t.Errorf("cryptsetup mends it: %s", out)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if _, err := Repair(d); err != nil {
				t.Fatal(err)
			}
			if theirs := readFile(t, path); !bytes.Equal(theirs[:size1], d.b[:size1]) {
				t.Errorf("the header is\n%x\ncryptsetup makes\n%x", d.b[:size1], theirs[:size1])
			}
		})
	}
}

// TestRepair2 damages copies of LUKS2 and mends them; so does cryptsetup.
func TestRepair2(t *testing.T) {
	t.Parallel()
	c := edition{version: 2, slots: map[int]string{0: "a"}}
	older := func(number uint64) func(*testing.T, *disk) {
		return func(t *testing.T, d *disk) {
			h, err := Read(d)
			if err != nil {
				t.Fatal(err)
			}
			h.V2.SequenceID--
			st, err := h.V2.copyStep(number)
			if err != nil {
				t.Fatal(err)
			}
			d.put(event{st.off, st.b})
		}
	}
	flip := func(off int) func(*testing.T, *disk) {
		return func(_ *testing.T, d *disk) { d.b[off] ^= 1 }
	}
	for _, c2 := range []struct {
		name   string
		damage func(*testing.T, *disk)
		want   string // in the report; "": nothing to do
	}{
		{"nothing", func(*testing.T, *disk) {}, ""},
		{"first", flip(5000), "first copy was damaged"},
		{"second", flip(minSize2 + 5000), "second copy was damaged"},
		{"first magic", flip(0), "first copy was damaged"},
		{"second magic", flip(minSize2), "second copy was damaged"},
		{"first gone", func(_ *testing.T, d *disk) { clear(d.b[:minSize2]) }, "first copy was damaged"},
		{"other size in the first", func(_ *testing.T, d *disk) { binary.BigEndian.PutUint64(d.b[8:], 2*minSize2) }, "first copy was damaged"},
		{"first older", older(0), "first copy was older"},
		{"second older", older(1), "second copy was older"},
	} {
		t.Run(c2.name, func(t *testing.T) {
			t.Parallel()
			d, _ := c.prepare(t)
			c2.damage(t, d)
			damaged := bytes.Clone(d.b)
			want, err := Read(bytes.NewReader(damaged))
			if err != nil {
				t.Fatal(err)
			}
			report, err := Repair(d)
			if err != nil || strings.Join(report, " ") != "" != (c2.want != "") || !strings.Contains(strings.Join(report, " "), c2.want) {
				t.Errorf("%q, %v, want %q", report, err, c2.want)
			}
			h, err := Read(d)
			if err != nil || len(h.Problems) > 0 || !h.V2.sameText(want.V2) {
				t.Errorf("afterwards: %v, or another header", err)
			}
			d.crashes(t, damaged, func(what string, image *disk) {
				h, err := Read(image)
				if err != nil || !h.V2.sameText(want.V2) {
					t.Errorf("%s: %v, or another header", what, err)
				}
			})
			if c2.name == "first gone" || c2.name == "second older" || os.Getenv("DMIMG_TEST_COSTLY") != "" {
				comparePeer(t, damaged, d)
			}
		})
	}
}

// comparePeer compares both copies with what cryptsetup makes of the damaged ones, but for
// salts and checksums.
func comparePeer(t *testing.T, damaged []byte, d *disk) {
	t.Helper()
	tool(t, "cryptsetup")
	path := imageFile(t, damaged)
	if out, err := exec.Command("cryptsetup", "repair", "-q", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	theirs := readFile(t, path)
	for off := int64(0); off <= minSize2; off += minSize2 {
		a, err1 := readCopy(bytes.NewReader(theirs), nil, off)
		b, err2 := readCopy(d, nil, off)
		if err1 != nil || err2 != nil || !a.sameText(b) {
			t.Errorf("copy at %d: cryptsetup has %v, we have %v, or another text", off, err1, err2)
		}
	}
}

// TestRepairRefuses what is no header, or has none left.
func TestRepairRefuses(t *testing.T) {
	t.Parallel()
	d, _ := blank(t, 2)
	d.b[5000] ^= 1
	d.b[minSize2+5000] ^= 1
	for _, c := range []struct {
		d    *disk
		want error
	}{{&disk{}, ErrNotLUKS}, {&disk{b: make([]byte, 1<<20)}, ErrNotLUKS}, {d, ErrHeader}} {
		before := bytes.Clone(c.d.b)
		if _, err := Repair(c.d); !errors.Is(err, c.want) || !bytes.Equal(c.d.b, before) {
			t.Errorf("%v, want %v and nothing changed", err, c.want)
		}
	}
}

// FuzzRepair never makes of damage what cannot be read.
func FuzzRepair(f *testing.F) {
	f.Add(uint16(0), []byte{})
	for i, c := range repairs {
		for _, p := range c.damage {
			f.Add(uint16(p.off), p.b)
		}
		f.Add(uint16(i), []byte(fmt.Sprint(i)))
	}
	h := Header1{Cipher: "aes", Mode: "xts-plain64", Hash: "sha256", PayloadOffset: 4096, KeySize: 32, DigestIterations: 1000}
	for i := range h.Slots {
		h.Slots[i] = Slot1{Active: i < 3, Iterations: 1000, Offset: slotOffset1(i, 32), Stripes: stripes}
	}
	good, err := h.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, off uint16, b []byte) {
		d := &disk{b: append(bytes.Clone(good), make([]byte, 1<<16)...)}
		copy(d.b[min(int(off), len(d.b)):], b)
		before := bytes.Clone(d.b)
		report, err := Repair(d)
		if (err != nil || len(report) == 0) && !bytes.Equal(before, d.b) {
			t.Fatalf("%v, %q, and something was written", err, report)
		}
		if err != nil {
			return
		}
		if _, err := Read(d); err != nil {
			t.Fatalf("%q, and then %v", report, err)
		}
		if again, err := Repair(d); err != nil || len(again) > 0 {
			t.Fatalf("%q, and then again %q, %v", report, again, err)
		}
	})
}
