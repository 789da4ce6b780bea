package fec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// memory is a parity area in memory.
type memory []byte

func (m memory) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(m)) {
		return 0, fmt.Errorf("write of %d bytes at %d outside %d bytes", len(p), off, len(m))
	}
	return copy(m[off:], p), nil
}

func (m memory) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(m).ReadAt(p, off) }

// randomBytes is the same for the same seed.
func randomBytes(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// slowProducts is the multiplication table of the field, by shifts and adds.
var slowProducts = sync.OnceValue(func() *[256][256]byte {
	t := new([256][256]byte)
	for x := range t {
		for y := range t[x] {
			a := byte(x)
			for b := y; b != 0; b >>= 1 {
				if b&1 != 0 {
					t[x][y] ^= a
				}
				a = a<<1 ^ (a>>7)*(fieldPolynomial&0xff)
			}
		}
	}
	return t
})

// slowParity is the definition: every codeword is divided by the generator
// polynomial.
func slowParity(stream []byte, p Params) []byte {
	multiply := slowProducts()
	generator := []byte{1} // highest power first
	root := byte(1)
	for range p.Roots {
		generator = append(generator, 0)
		for i := len(generator) - 1; i > 0; i-- {
			generator[i] ^= multiply[generator[i-1]][root]
		}
		root = multiply[root][2]
	}
	var out []byte
	for c := range p.ShardBytes() {
		word := make([]byte, codewordLen)
		for i := range p.Shards() {
			if at := int64(i)*p.ShardBytes() + c; at < int64(len(stream)) {
				word[i] = stream[at]
			}
		}
		for i := range p.Shards() {
			if factor := word[i]; factor != 0 {
				products := &multiply[factor]
				for j, g := range generator {
					word[i+j] ^= products[g]
				}
			}
		}
		out = append(out, word[p.Shards():]...)
	}
	return out
}

// encodeBytes makes the parity of a whole stream.
func encodeBytes(t testing.TB, stream []byte, p Params) memory {
	t.Helper()
	m := make(memory, p.ParityBytes())
	if err := Encode(context.Background(), bytes.NewReader(stream), m, 0, p); err != nil {
		t.Fatalf("Encode %d blocks of %d, %d roots: %v", p.Blocks, p.BlockSize, p.Roots, err)
	}
	return m
}

// TestEncodeDefinition compares with division by the generator polynomial.
func TestEncodeDefinition(t *testing.T) {
	t.Parallel()
	for roots := MinRoots; roots <= MaxRoots; roots++ {
		t.Run(fmt.Sprintf("roots=%d", roots), func(t *testing.T) {
			t.Parallel()
			shards := uint64(codewordLen - roots)
			for _, blocks := range []uint64{1, shards - 1, shards, shards + 1} {
				p := Params{Roots: roots, BlockSize: 512, Blocks: blocks}
				stream := randomBytes(blocks, int(p.CoveredBytes()))
				if got, want := encodeBytes(t, stream, p), slowParity(stream, p); !bytes.Equal(got, want) {
					t.Errorf("%d blocks: parity differs from the definition", blocks)
				}
			}
		})
	}
}

// TestEncodeWindows checks that the result does not depend on how the columns
// are shared out, for shards of many windows and a last short one.
func TestEncodeWindows(t *testing.T) {
	t.Parallel()
	p := Params{Roots: 3, BlockSize: 512, Blocks: 252*40 + 11}
	stream := randomBytes(1, int(p.CoveredBytes()))
	want := slowParity(stream, p)
	for _, jobs := range []int{0, 1, 5, 1000} {
		p.Jobs = jobs
		if got := encodeBytes(t, stream, p); !bytes.Equal(got, want) {
			t.Errorf("%d jobs: parity differs from the definition", jobs)
		}
	}
}

func TestEncodeOffsetAndProgress(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	p := Params{Roots: 8, BlockSize: 1024, Blocks: 1000, Progress: func(n int64) { done.Add(n) }}
	stream := randomBytes(2, int(p.CoveredBytes()))
	const off = 12345
	area := make(memory, off+p.ParityBytes()+100)
	for i := range area {
		area[i] = 0xee
	}
	if err := Encode(context.Background(), bytes.NewReader(stream), area, off, p); err != nil {
		t.Fatal(err)
	}
	want := append(bytes.Repeat([]byte{0xee}, off), encodeBytes(t, stream, p)...)
	want = append(want, bytes.Repeat([]byte{0xee}, 100)...)
	if !bytes.Equal(area, want) {
		t.Error("Encode at an offset: parity wrong, or bytes outside the area changed")
	}
	if done.Load() != 2*p.CoveredBytes() { // encodeBytes has the same Progress
		t.Errorf("progress adds up to %d, want 2 × %d", done.Load(), p.CoveredBytes())
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	good := Params{Roots: 2, BlockSize: 512, Blocks: 600}
	stream := bytes.NewReader(make([]byte, good.CoveredBytes()))
	broken := errors.New("broken")
	stopped, stop := context.WithCancelCause(context.Background())
	stop(broken)
	for name, c := range map[string]struct {
		ctx  context.Context
		src  io.ReaderAt
		dst  io.WriterAt
		off  int64
		p    Params
		want error
	}{
		"one root":          {p: Params{Roots: 1, BlockSize: 512, Blocks: 1}, want: ErrBadParams},
		"too many roots":    {p: Params{Roots: 25, BlockSize: 512, Blocks: 1}, want: ErrBadParams},
		"negative roots":    {p: Params{Roots: -2, BlockSize: 512, Blocks: 1}, want: ErrBadParams},
		"block size 0":      {p: Params{Roots: 2, Blocks: 1}, want: ErrBadParams},
		"block size 256":    {p: Params{Roots: 2, BlockSize: 256, Blocks: 1}, want: ErrBadParams},
		"block size 768":    {p: Params{Roots: 2, BlockSize: 768, Blocks: 1}, want: ErrBadParams},
		"block size 1 MiB":  {p: Params{Roots: 2, BlockSize: 1 << 20, Blocks: 1}, want: ErrBadParams},
		"no blocks":         {p: Params{Roots: 2, BlockSize: 512}, want: ErrBadParams},
		"2^64-1 blocks":     {p: Params{Roots: 2, BlockSize: 512, Blocks: math.MaxUint64}, want: ErrBadParams},
		"2^54 blocks":       {p: Params{Roots: 24, BlockSize: 512, Blocks: 1 << 54}, want: ErrBadParams},
		"negative jobs":     {p: Params{Roots: 2, BlockSize: 512, Blocks: 1, Jobs: -1}, want: ErrBadParams},
		"negative offset":   {p: good, off: -1, want: ErrBadParams},
		"offset too large":  {p: good, off: math.MaxInt64 - 100, want: ErrBadParams},
		"short source":      {p: Params{Roots: 2, BlockSize: 512, Blocks: 601}, want: io.ErrUnexpectedEOF},
		"source fails":      {p: good, src: failing{broken}, want: broken},
		"destination fails": {p: good, dst: failing{broken}, want: broken},
		"stopped":           {p: good, ctx: stopped, want: broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.ctx == nil {
				c.ctx = context.Background()
			}
			if c.src == nil {
				c.src = stream
			}
			if c.dst == nil {
				c.dst = discard{}
			}
			if err := Encode(c.ctx, c.src, c.dst, c.off, c.p); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// failing is a device on which everything fails.
type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error)  { return 0, f.err }
func (f failing) WriteAt([]byte, int64) (int, error) { return 0, f.err }

// zeros is an endless device full of zeros; it calls each, if set.
type zeros struct{ each func(off int64) }

func (z zeros) ReadAt(p []byte, off int64) (int, error) {
	if z.each != nil {
		z.each(off)
	}
	clear(p)
	return len(p), nil
}

// TestEncodeMemory encodes the beginning of 64 GiB with many jobs and counts
// all memory ever allocated.
func TestEncodeMemory(t *testing.T) {
	for _, jobs := range []int{0, 8, 1024} {
		ctx, cancel := context.WithCancel(context.Background())
		var windows atomic.Int64
		p := Params{Roots: 24, BlockSize: 4096, Blocks: 64 << 30 / 4096, Jobs: jobs}
		p.Progress = func(int64) {
			if windows.Add(1) == 40 {
				cancel()
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Encode(ctx, zeros{}, discard{}, 0, p)
		runtime.ReadMemStats(&after)
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d jobs: got %v, want context.Canceled", jobs, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 40<<20 {
			t.Errorf("%d jobs: %d bytes allocated, want at most 40 MiB", jobs, used)
		}
	}
}

// TestWindowAllocations checks the steady state: what a window of about 1000
// blocks costs is the plan that the library makes for it, and nothing of ours.
func TestWindowAllocations(t *testing.T) {
	p := Params{Roots: 8, BlockSize: 4096, Blocks: 247 * 4}
	coder, err := newCoder(p.Roots, windowMax)
	if err != nil {
		t.Fatal(err)
	}
	w := newWindow(p, coder, windowMax)
	parity := encodeBytes(t, make([]byte, p.CoveredBytes()), p)
	if err := w.readParity(parity, 0, 0, windowMax); err != nil {
		t.Fatal(err)
	}
	var src io.ReaderAt = zeros{}
	var failure error
	n := testing.AllocsPerRun(20, func() {
		failure = errors.Join(w.read(src, 0, windowMax))
		interleave(w.parity, w.shards[p.Shards():])
		addInterleaved(w.shards[p.Shards():], w.parity)
		w.parity[17] ^= 5
		w.mend().correct(0, 2, nil)
	})
	if failure != nil || n != 0 {
		t.Errorf("reading, interleaving and correcting a window: %v allocations, %v; want none", n, failure)
	}
	n = testing.AllocsPerRun(20, func() { failure = w.encode() })
	if failure != nil || n > 60 {
		t.Errorf("encoding %d blocks: %v allocations, %v; want at most 60", p.Blocks, n, failure)
	}
}

func TestInterleave(t *testing.T) {
	t.Parallel()
	for roots := 1; roots <= MaxRoots; roots++ {
		n := 40 + roots%3
		shards := make([][]byte, roots)
		for j := range shards {
			shards[j] = randomBytes(uint64(j), n)
		}
		got := make([]byte, roots*n)
		interleave(got, shards)
		for j, s := range shards {
			for c, v := range s {
				if got[c*roots+j] != v {
					t.Fatalf("%d shards: byte %d of shard %d is %#x at its place, want %#x", roots, c, j, got[c*roots+j], v)
				}
			}
		}
		addInterleaved(shards, got)
		for j, s := range shards {
			if !allZero(s) {
				t.Errorf("%d shards: shard %d plus itself is not zero", roots, j)
			}
		}
	}
}
