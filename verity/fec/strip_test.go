package fec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"testing"
)

// sparse is a stream in memory with holes, which counts what is read of it.
type sparse struct {
	bytes   []byte
	extents []extent
	read    *atomic.Int64
}

// newSparse fills extents with random bytes.
func newSparse(seed uint64, size int64, extents ...extent) sparse {
	s := sparse{bytes: make([]byte, size), extents: extents, read: new(atomic.Int64)}
	random := randomBytes(seed, int(size))
	for _, e := range extents {
		copy(s.bytes[e.start:e.end], random[e.start:])
	}
	return s
}

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	s.read.Add(int64(len(p)))
	return bytes.NewReader(s.bytes).ReadAt(p, off)
}

func (s sparse) NextData(off int64) (start, end int64, err error) {
	for _, e := range s.extents {
		if e.end > off {
			return max(off, e.start), e.end, nil
		}
	}
	return 0, 0, io.EOF
}

func TestEncodeHoles(t *testing.T) {
	t.Parallel()
	for _, roots := range []int{2, 10, 11, 24} {
		p := Params{Roots: roots, BlockSize: 512, Blocks: uint64(255-roots)*7 + 3}
		size := p.CoveredBytes()
		for name, s := range map[string]sparse{
			"none":    newSparse(1, size, extent{0, size}),
			"all":     newSparse(2, size),
			"middle":  newSparse(3, size, extent{0, 5000}, extent{size - 700, size}),
			"end":     newSparse(4, size, extent{512, 1024}),
			"sprayed": newSparse(5, size, extent{0, 1}, extent{99_999, 100_001}, extent{400_000, 420_000}),
		} {
			t.Run(fmt.Sprintf("roots=%d/%s", roots, name), func(t *testing.T) {
				t.Parallel()
				out := bytes.Repeat([]byte{0xee}, int(p.ParityBytes()))
				if err := Encode(context.Background(), s, memory(out), 0, p); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(out, slowParity(s.bytes, p)) {
					t.Error("parity differs from the definition")
				}
				if name == "all" && s.read.Load() > 1 {
					t.Errorf("%d bytes were read of a hole", s.read.Load())
				}
				if r, err := Check(context.Background(), s, memory(out), 0, p); err != nil || !r.OK() {
					t.Errorf("Check: %+v, %v", r, err)
				}
			})
		}
	}
}

// TestStreamHoles checks where the holes of a data device are in a stream.
func TestStreamHoles(t *testing.T) {
	t.Parallel()
	data := newSparse(1, 8192, extent{1024, 2048}, extent{3000, 8192})
	area := Area{BlockSize: 512, DataBlocks: 8} // 4096 bytes
	for name, tc := range map[string]struct {
		data            io.ReaderAt
		off, start, end int64
	}{
		"hole before data":        {data, 0, 1024, 2048},
		"data":                    {data, 1500, 1500, 2048},
		"cut at the end of data":  {data, 2048, 3000, 4096},
		"hash device":             {data, 4096, 4096, math.MaxInt64},
		"hole until hash device":  {newSparse(1, 8192, extent{0, 512}), 512, 4096, math.MaxInt64},
		"data behind the blocks":  {newSparse(1, 8192, extent{5000, 8192}), 0, 4096, math.MaxInt64},
		"data without hole seeks": {bytes.NewReader(data.bytes), 0, 0, math.MaxInt64},
	} {
		start, end, err := area.Stream(tc.data, data).(HoleFinder).NextData(tc.off)
		if start != tc.start || end != tc.end || err != nil {
			t.Errorf("%s: got %d, %d, %v; want %d, %d", name, start, end, err, tc.start, tc.end)
		}
	}
}

// liar breaks the contract of HoleFinder.
type liar struct {
	io.ReaderAt

	start, end int64
	err        error
}

func (l liar) NextData(int64) (start, end int64, err error) { return l.start, l.end, l.err }

// TestWrongHoles checks that nonsense about holes is not believed, and that a
// stream which ends in one is not taken for complete.
func TestWrongHoles(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 2, BlockSize: 512, Blocks: 300}
	stream := randomBytes(1, int(p.CoveredBytes()))
	want := encodeBytes(t, stream, p)
	for _, l := range []liar{{start: -5, end: 5}, {start: 512, end: 512}, {start: 5, end: 1}, {err: io.ErrClosedPipe}} {
		l.ReaderAt = bytes.NewReader(stream)
		got := make(memory, p.ParityBytes())
		if err := Encode(context.Background(), l, got, 0, p); err != nil || !bytes.Equal(got, want) {
			t.Errorf("NextData says %d, %d, %v: parity is wrong, or %v", l.start, l.end, l.err, err)
		}
	}
	short := liar{ReaderAt: bytes.NewReader(stream[:1000]), err: io.EOF}
	if err := Encode(context.Background(), short, discard{}, 0, p); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a stream that is too short: got %v, want io.ErrUnexpectedEOF", err)
	}
}

// everyOther has data in every second of its bytes.
type everyOther struct{ zeros }

func (everyOther) NextData(off int64) (start, end int64, err error) {
	return off | 1, (off | 1) + 1, nil
}

// TestManyExtents checks that what is remembered of holes has a limit, and what
// is not remembered counts as data.
func TestManyExtents(t *testing.T) {
	t.Parallel()
	h, err := findHoles(everyOther{}, 1<<40)
	if err != nil || len(h) > mostExtents {
		t.Fatalf("%d extents, %v; want at most %d", len(h), err, mostExtents)
	}
	for _, off := range []int64{0, 1000, 2*mostExtents - 2, 2*mostExtents + 100, 1<<40 - 2} {
		if known := off < 2*mostExtents; h.cover(off, 1) != known || h.cover(off, 2) || h.cover(off+1, 1) {
			t.Errorf("byte %d: a hole: %v, with the next %v, the next %v; want %v, false, false",
				off, h.cover(off, 1), h.cover(off, 2), h.cover(off+1, 1), known)
		}
	}
}
