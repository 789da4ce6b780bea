package ui

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// TestOverlayAgainstBuffer writes random blocks to an overlay and to a byte slice.
func TestOverlayAgainstBuffer(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 3))
	base := make([]byte, 100*512+7)
	for i := range base {
		base[i] = byte(rnd.Uint32())
	}
	o, err := NewOverlay(bytes.NewReader(base), 512)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	want := bytes.Clone(base)
	for range 30 {
		block := bytes.Repeat([]byte{byte(rnd.Uint32())}, 512*(1+rnd.IntN(3)))
		off := 512 * rnd.IntN(97)
		if _, err := o.WriteAt(block, int64(off)); err != nil {
			t.Fatal(err)
		}
		copy(want[off:], block)
		at := rnd.IntN(len(want))
		got := make([]byte, rnd.IntN(len(want)-at+1))
		if _, err := o.ReadAt(got, int64(at)); err != nil || !bytes.Equal(got, want[at:at+len(got)]) {
			t.Fatalf("ReadAt(%d bytes at %d) differs (%v)", len(got), at, err)
		}
	}
	got, err := io.ReadAll(io.NewSectionReader(o, 0, 1<<20))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("reading all: %d bytes, %v, want %d", len(got), err, len(want))
	}
	if _, err := o.WriteAt(make([]byte, 100), 0); err == nil {
		t.Error("WriteAt of a part of a block succeeded")
	}
}

func TestInputKnowsHoles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sparse")
	out := create(t, path, OutputOptions{}, "data")
	if err := out.Truncate(16 << 20); err != nil {
		t.Fatal(err)
	}
	if _, err := out.WriteAt([]byte("more"), 8<<20); err != nil {
		t.Fatal(err)
	}
	if err := CommitAll(out); err != nil {
		t.Fatal(err)
	}
	in, err := OpenInput(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	// A file system without holes says that everything is data; elsewhere nothing is
	// known. What it says must be true.
	for off := int64(0); off < 16<<20; {
		start, end, err := in.NextData(off)
		if errors.Is(err, io.EOF) {
			start, end = 16<<20, 16<<20
		} else if err != nil {
			t.Skipf("holes are not known here: %v", err)
		}
		for _, data := range []int64{0, 8 << 20} {
			if off <= data && data < start {
				t.Errorf("NextData(%d) = %d, %d: data at %d is called a hole", off, start, end, data)
			}
		}
		off = end
	}
}
