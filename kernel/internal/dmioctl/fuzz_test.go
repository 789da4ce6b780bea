package dmioctl

import (
	"bytes"
	"reflect"
	"testing"
)

// Fuzz targets: whatever a decoder accepts, it can be written again, and reads back alike.

func FuzzHeader(f *testing.F) {
	f.Add(unhex(f, exampleRequest))
	f.Add(unhex(f, exampleBig))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []Codec{little, big} {
			h, err := c.Header(b)
			if err != nil {
				continue
			}
			again := make([]byte, HeaderSize)
			if err := c.PutHeader(again, h); err != nil {
				t.Fatalf("%+v: %v", h, err)
			}
			if back, err := c.Header(again); err != nil || back != h {
				t.Fatalf("%+v came back as %+v, %v", h, back, err)
			}
			data, err := Data(b, h)
			if err != nil {
				continue
			}
			for _, convention := range []Convention{FromSpec, FromFirst} {
				_, _ = c.Specs(data, int(h.TargetCount), convention)
			}
		}
	})
}

func FuzzSpecs(f *testing.F) {
	for _, c := range []Codec{little, big} {
		for _, convention := range []Convention{FromSpec, FromFirst} {
			p := Specs{convention, sampleSpecs[:3]}
			b := make([]byte, p.Size())
			if err := c.Put(b, p); err != nil {
				f.Fatal(err)
			}
			f.Add(b, 3)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, count int) {
		for _, c := range []Codec{little, big} {
			for _, convention := range []Convention{FromSpec, FromFirst} {
				specs, err := c.Specs(b, count, convention)
				if err != nil {
					continue
				}
				p := Specs{convention, specs}
				if p.Size() > len(b)+2*alignment && convention == FromSpec {
					t.Fatalf("%d bytes gave specs of %d", len(b), p.Size())
				}
				roundTrip(t, c, p, specs, func(data []byte) (any, error) { return c.Specs(data, count, convention) })
			}
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, c := range []Codec{little, big} {
		b := make([]byte, sampleNames.Size())
		if err := c.Put(b, sampleNames); err != nil {
			f.Fatal(err)
		}
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, withEvents bool) {
		for _, c := range []Codec{little, big} {
			names, err := c.Names(b, withEvents)
			if err != nil || Names(names).check() != nil {
				continue // an empty name can be read and not be written
			}
			plain := false
			for _, n := range names { // a kernel writes records of one kind
				plain = plain || !n.HasEvent || n.Flags > FlagListHasNoUUID
			}
			if plain {
				continue
			}
			roundTrip(t, c, Names(names), names, func(data []byte) (any, error) { return c.Names(data, withEvents) })
		}
	})
}

func FuzzTargetVersions(f *testing.F) {
	list := TargetVersions{{[3]uint32{1, 4, 0}, "linear"}, {[3]uint32{1, 2, 3}, "zero"}}
	for _, c := range []Codec{little, big} {
		b := make([]byte, list.Size())
		if err := c.Put(b, list); err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []Codec{little, big} {
			if list, err := c.TargetVersions(b); err == nil && len(list) > 0 {
				roundTrip(t, c, TargetVersions(list), list, func(data []byte) (any, error) { return c.TargetVersions(data) })
			}
		}
	})
}

func FuzzDeps(f *testing.F) {
	b := make([]byte, 24)
	if err := little.Put(b, Deps{1, 2}); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []Codec{little, big} {
			if devs, err := c.Deps(b); err == nil && len(b) > 0 {
				roundTrip(t, c, Deps(devs), devs, func(data []byte) (any, error) { return c.Deps(data) })
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("12345678@stats_list\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range []Codec{little, big} {
			if m, err := c.Message(b); err == nil {
				again := make([]byte, m.Size())
				if err := c.Put(again, m); err != nil || !bytes.Equal(again, b[:len(again)]) {
					t.Fatalf("%q came back as %q, %v", b, again, err)
				}
			}
		}
		if s, err := ReadString(b); err == nil && s != string(b[:len(s)]) {
			t.Fatalf("%q gave %q", b, s)
		}
	})
}

// roundTrip writes p and compares what read makes of it with want.
func roundTrip(t *testing.T, c Codec, p Payload, want any, read func([]byte) (any, error)) {
	t.Helper()
	b := make([]byte, p.Size())
	if err := c.Put(b, p); err != nil {
		t.Fatalf("%+v: %v", want, err)
	}
	got, err := read(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v came back as %+v, %v", want, got, err)
	}
}
