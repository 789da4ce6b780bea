// Package volumetest tests volumes: a contract suite that any Volume must pass,
// memory devices with faults to order, and the corpora of volumes made by real
// kernels.
//
//	volumetest.Run(t, volumetest.Subject{
//		Open:     func(t *testing.T) volume.Backend { … },
//		Content:  want,
//		Writable: true,
//	})
//
// It is for tests only, ours and those of programs with targets of their own.
package volumetest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/volume"
)

// Subject is a volume under test.
type Subject struct {
	// Open opens a fresh volume with this content. The suite closes it.
	Open func(t *testing.T) volume.Backend
	// Content is what the whole volume reads as.
	Content []byte
	// Alignment is the unit of access in bytes; 0 means 512.
	Alignment int
	// Writable: the volume was opened for writing, and what is written can be
	// read back.
	Writable bool
}

// Run checks that the subject keeps the contract of volume.Volume.
func Run(t *testing.T, s Subject) {
	t.Helper()
	s.Alignment = max(s.Alignment, 512)
	for _, c := range []struct {
		name string
		test func(*testing.T, Subject)
	}{
		{"size", testSize},
		{"read whole", testWhole},
		{"read anywhere", testAnywhere},
		{"read at the end", testEnd},
		{"unaligned", testUnaligned},
		{"concurrent reads", testConcurrent},
		{"write", testWrite},
		{"write past the end", testWritePastEnd},
		{"any offset", testBytes},
		{"close", testClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, s)
		})
	}
}

// open opens the subject until the end of the test.
func (s Subject) open(t *testing.T) volume.Backend {
	t.Helper()
	v := s.Open(t)
	t.Cleanup(func() {
		if err := v.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	return v
}

// random returns a repeatable source.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

// somewhere picks an aligned, non-empty range of the content.
func (s Subject) somewhere(r *rand.Rand) (off, n int) {
	units := len(s.Content) / s.Alignment
	first := r.IntN(units)
	return first * s.Alignment, (1 + r.IntN(min(units-first, 64))) * s.Alignment
}

// dirty returns a buffer that holds no zeros, so that what a read leaves alone
// is seen.
func dirty(n int) []byte { return bytes.Repeat([]byte{0xa5}, n) }

func testSize(t *testing.T, s Subject) {
	if size, err := s.open(t).Size(); err != nil || size != int64(len(s.Content)) {
		t.Errorf("Size() = %d, %v, want %d", size, err, len(s.Content))
	}
}

func testWhole(t *testing.T, s Subject) {
	got := dirty(len(s.Content))
	n, err := s.open(t).ReadAt(got, 0)
	if n != len(got) || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("ReadAt(all %d bytes, 0) = %d, %v", len(got), n, err)
	}
	equal(t, got, s.Content, 0)
}

func testAnywhere(t *testing.T, s Subject) {
	v, r := s.open(t), random(1)
	for range 200 {
		readSomewhere(t, v, s, r)
	}
}

func readSomewhere(t *testing.T, v volume.Volume, s Subject, r *rand.Rand) {
	off, n := s.somewhere(r)
	got := dirty(n)
	if m, err := v.ReadAt(got, int64(off)); m != n || err != nil && !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt(%d bytes, %d) = %d, %v", n, off, m, err)
		return
	}
	equal(t, got, s.Content[off:off+n], off)
}

func testEnd(t *testing.T, s Subject) {
	v, size, unit := s.open(t), len(s.Content), s.Alignment
	for _, c := range []struct {
		off, length, n int
		err            error
	}{
		{size - unit, unit, unit, nil},
		{size - unit, 2 * unit, unit, io.EOF},
		{0, size + unit, size, io.EOF},
		{size, unit, 0, io.EOF},
		{size + 10*unit, unit, 0, io.EOF},
		{0, 0, 0, nil},
	} {
		got := dirty(c.length)
		n, err := v.ReadAt(got, int64(c.off))
		if n != c.n || !errors.Is(err, c.err) && !(errors.Is(err, io.EOF) && c.off+c.length == size) {
			t.Errorf("ReadAt(%d bytes, %d) of %d = %d, %v, want %d, %v", c.length, c.off, size, n, err, c.n, c.err)
			continue
		}
		equal(t, got[:n], s.Content[min(c.off, size):min(c.off, size)+n], c.off)
	}
}

func testUnaligned(t *testing.T, s Subject) {
	v, unit := s.open(t), s.Alignment
	for _, c := range []struct{ off, length int }{
		{1, unit}, {0, unit - 1}, {unit / 2, unit}, {0, unit + 1}, {unit - 1, 1},
	} {
		buf := make([]byte, c.length)
		if n, err := v.ReadAt(buf, int64(c.off)); n != 0 || !errors.Is(err, volume.ErrUnaligned) {
			t.Errorf("ReadAt(%d bytes, %d) = %d, %v, want %v", c.length, c.off, n, err, volume.ErrUnaligned)
		}
		if n, err := v.WriteAt(buf, int64(c.off)); n != 0 || !errors.Is(err, volume.ErrUnaligned) && !errors.Is(err, volume.ErrReadOnly) {
			t.Errorf("WriteAt(%d bytes, %d) = %d, %v, want %v", c.length, c.off, n, err, volume.ErrUnaligned)
		}
	}
	if n, err := v.ReadAt(make([]byte, unit), int64(-unit)); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("ReadAt at a negative offset = %d, %v, want an error", n, err)
	}
}

func testConcurrent(t *testing.T, s Subject) {
	v := s.open(t)
	var wg sync.WaitGroup
	for i := range uint64(8) {
		wg.Go(func() {
			r := random(i)
			for range 50 {
				readSomewhere(t, v, s, r)
			}
		})
	}
	wg.Wait()
}

func testWrite(t *testing.T, s Subject) {
	v := s.open(t)
	if !s.Writable {
		if n, err := v.WriteAt(make([]byte, s.Alignment), 0); n != 0 || !errors.Is(err, volume.ErrReadOnly) {
			t.Errorf("WriteAt on a read-only volume = %d, %v, want %v", n, err, volume.ErrReadOnly)
		}
		return
	}
	model, r := bytes.Clone(s.Content), random(3)
	for range 100 {
		off, n := s.somewhere(r)
		write(t, v, model, off, n, r)
	}
	got := dirty(len(model))
	if n, err := v.ReadAt(got, 0); n != len(got) {
		t.Fatalf("ReadAt after writes = %d, %v", n, err)
	}
	equal(t, got, model, 0)
	if err := v.Sync(); err != nil {
		t.Errorf("Sync: %v", err)
	}
}

// write writes random bytes to the volume and its model.
func write(t *testing.T, v volume.Volume, model []byte, off, n int, r *rand.Rand) {
	t.Helper()
	p := model[off : off+n]
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	keep := bytes.Clone(p)
	if m, err := v.WriteAt(p, int64(off)); m != n || err != nil {
		t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", n, off, m, err)
	}
	if !bytes.Equal(p, keep) {
		t.Fatalf("WriteAt(%d bytes, %d) changed the caller's buffer", n, off)
	}
}

func testWritePastEnd(t *testing.T, s Subject) {
	if !s.Writable {
		t.Skip("a read-only volume")
	}
	v, size, unit := s.open(t), len(s.Content), s.Alignment
	for _, c := range []struct{ off, length int }{{size, unit}, {size - unit, 2 * unit}, {size + unit, unit}} {
		if n, err := v.WriteAt(dirty(c.length), int64(c.off)); n != 0 || err == nil {
			t.Errorf("WriteAt(%d bytes, %d) of %d = %d, %v, want 0 and an error", c.length, c.off, size, n, err)
		}
	}
	testWholeOf(t, v, s.Content)
}

func testWholeOf(t *testing.T, v volume.Volume, want []byte) {
	t.Helper()
	got := dirty(len(want))
	if n, err := v.ReadAt(got, 0); n != len(got) {
		t.Fatalf("ReadAt(all) = %d, %v", n, err)
	}
	equal(t, got, want, 0)
}

func testBytes(t *testing.T, s Subject) {
	v, r := volume.Bytes(s.open(t)), random(4)
	model := bytes.Clone(s.Content)
	for range 200 {
		off := r.IntN(len(model))
		n := 1 + r.IntN(min(len(model)-off, 5*s.Alignment))
		if s.Writable && r.IntN(2) == 0 {
			write(t, v, model, off, n, r)
			continue
		}
		got := dirty(n)
		if m, err := v.ReadAt(got, int64(off)); m != n || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("Bytes: ReadAt(%d bytes, %d) = %d, %v", n, off, m, err)
		}
		equal(t, got, model[off:off+n], off)
	}
	testWholeOf(t, v, model)
}

func testClose(t *testing.T, s Subject) {
	v := s.Open(t)
	if err := v.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if n, err := v.ReadAt(make([]byte, s.Alignment), 0); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadAt after Close = %d, %v, want %v", n, err, fs.ErrClosed)
	}
	if n, err := v.WriteAt(make([]byte, s.Alignment), 0); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("WriteAt after Close = %d, %v, want %v", n, err, fs.ErrClosed)
	}
	if err := v.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("second Close: %v, want %v", err, fs.ErrClosed)
	}
}

// equal reports the first byte that differs; base is the offset of the first.
func equal(t *testing.T, got, want []byte, base int) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("byte %d (sector %d) is %#02x, want %#02x", base+i, (base+i)/512, got[i], want[i])
			return
		}
	}
	t.Errorf("got %d bytes, want %d", len(got), len(want))
}
