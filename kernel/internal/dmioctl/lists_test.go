package dmioctl

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

var sampleNames = Names{
	{Dev: Mkdev(253, 0), Name: "a", HasEvent: true, EventNr: 7, Flags: FlagListHasUUID, UUID: "u"},
	{Dev: Mkdev(253, 300), Name: strings.Repeat("n", 127), HasEvent: true, Flags: FlagListHasNoUUID},
	{Dev: Mkdev(253, 1<<20-1), Name: "1234", HasEvent: true, EventNr: 1<<32 - 1, Flags: FlagListHasUUID, UUID: strings.Repeat("u", 128)},
}

func TestNames(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c Codec) {
		for n := range len(sampleNames) + 1 {
			for _, kind := range []string{"names", "events", "uuids"} {
				want := append(Names(nil), sampleNames[:n]...)
				for i := range want {
					if kind != "uuids" {
						want[i].Flags, want[i].UUID = 0, ""
					}
					if kind == "names" {
						want[i].HasEvent, want[i].EventNr = false, 0
					}
				}
				b := make([]byte, want.Size())
				if err := c.Put(b, want); err != nil {
					t.Fatal(err)
				}
				got, err := c.Names(b, kind != "names")
				if err != nil || !reflect.DeepEqual(Names(got), want) {
					t.Errorf("%d devices, %s: %+v, %v", n, kind, got, err)
				}
			}
		}
	})
}

// TestNamesOfOldKernels reads lists that end before the event number, with what the kernel
// left of our own zeros.
func TestNamesOfOldKernels(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c Codec) {
		for length := 1; length < 20; length++ {
			old := Names{{Dev: 1, Name: strings.Repeat("x", length)}, {Dev: 2, Name: "b"}}
			b := make([]byte, old.Size()+64)
			if err := c.Put(b, old); err != nil {
				t.Fatal(err)
			}
			for _, end := range []int{old.Size(), old.Size() + 8, len(b)} {
				got, err := c.Names(b[:end], true) // asked too much of an old kernel
				if err != nil || len(got) != 2 || got[0].Name != old[0].Name || got[1].EventNr != 0 || got[1].UUID != "" {
					t.Errorf("name of %d bytes, %d bytes in all: %+v, %v", length, end, got, err)
				}
			}
		}
		if got, err := c.Names(make([]byte, 300), true); got != nil || err != nil {
			t.Errorf("the empty list of old kernels: %+v, %v", got, err)
		}
	})
}

func TestNamesMalformed(t *testing.T) {
	t.Parallel()
	good := make([]byte, sampleNames[:2].Size())
	if err := little.Put(good, sampleNames[:2]); err != nil {
		t.Fatal(err)
	}
	change := func(at int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], v)
		return b
	}
	for name, b := range map[string][]byte{
		"short":             good[:12],
		"very short":        good[:3],
		"next 4":            change(8, 4),
		"next 8":            change(8, 8),
		"next into itself":  change(8, 16),
		"next past the end": change(8, 0xf8, 0xff),
		"next negative":     change(8, 0xf8, 0xff, 0xff, 0xff),
		"name without end":  good[:40+12+100],
		"uuid without end":  append(change(8, 0, 0, 0, 0)[:24], 'u', 'u', 'u'),
	} {
		if list, err := little.Names(b, true); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	for _, n := range []Name{{Name: "a"}, {Dev: 1}, {Dev: 1, Name: strings.Repeat("n", 128)}, {Dev: 1, Name: "a", UUID: strings.Repeat("u", 129)}} {
		if err := little.Put(make([]byte, 1000), Names{n}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

func TestTargetVersions(t *testing.T) {
	t.Parallel()
	list := TargetVersions{
		{[3]uint32{1, 4, 0}, "linear"}, {[3]uint32{1, 2, 1<<32 - 1}, "fifteen-letters"}, {[3]uint32{}, "1234567"},
	}
	both(t, func(t *testing.T, c Codec) {
		for n := range len(list) + 1 {
			b := make([]byte, list[:n].Size())
			if err := c.Put(b, list[:n]); err != nil {
				t.Fatal(err)
			}
			got, err := c.TargetVersions(b)
			if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(TargetVersions(got), list[:n]) {
				t.Errorf("%d targets: %+v, %v", n, got, err)
			}
		}
	})
	b := make([]byte, list.Size())
	if err := little.Put(b, list); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() []byte{
		"short":            func() []byte { return b[:16] },
		"next 4":           func() []byte { c := bytes.Clone(b); c[0] = 4; return c },
		"next 16":          func() []byte { c := bytes.Clone(b); c[0] = 16; return c },
		"next negative":    func() []byte { c := bytes.Clone(b); copy(c, "\xf8\xff\xff\xff"); return c },
		"name without end": func() []byte { return b[:20] },
		"name with 16":     func() []byte { return append(make([]byte, 16), "sixteen letters!\x00"...) },
	} {
		if list, err := little.TargetVersions(change()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	if err := little.Put(b, TargetVersions{{Name: strings.Repeat("t", 16)}}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a long name: %v", err)
	}
}

func TestDeps(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c Codec) {
		for _, want := range []Deps{{}, {1}, {Mkdev(8, 1), Mkdev(259, 300), 1<<64 - 1}} {
			b := make([]byte, want.Size())
			if err := c.Put(b, want); err != nil {
				t.Fatal(err)
			}
			got, err := c.Deps(b)
			if err != nil || !reflect.DeepEqual(Deps(got), want) {
				t.Errorf("%v: got %v, %v", want, got, err)
			}
			if _, err := c.Deps(b[:len(b)-1]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%v, one byte less: %v", want, err)
			}
		}
		if got, err := c.Deps(nil); got != nil || err != nil {
			t.Errorf("no data: %v, %v", got, err)
		}
		if _, err := c.Deps(bytes.Repeat([]byte{0xff}, 64)); !errors.Is(err, ErrMalformed) {
			t.Errorf("a huge count: %v", err)
		}
	})
}

// BenchmarkNames reads the list of a thousand devices with UUIDs.
func BenchmarkNames(b *testing.B) {
	list := make(Names, 1000)
	for i := range list {
		list[i] = Name{Dev: Mkdev(253, uint32(i)), Name: fmt.Sprintf("vg-volume%04d", i), HasEvent: true, Flags: FlagListHasUUID, UUID: fmt.Sprintf("LVM-%064d", i)}
	}
	data := make([]byte, list.Size())
	if err := Native.Put(data, list); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := Native.Names(data, true); err != nil || len(got) != len(list) {
			b.Fatal(err)
		}
	}
}
