package verity

import (
	"context"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// These tests count allocations of the whole process, so they do not run in
// parallel with others.

func skipCounting(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
}

func TestSumBlocksAllocatesNothing(t *testing.T) {
	skipCounting(t)
	for _, name := range hashes.Names() {
		for hashType := range 2 {
			h, err := NewHasher(Params{HashType: hashType, Algorithm: name, Salt: make([]byte, 32)})
			if err != nil {
				t.Fatal(err)
			}
			data, digests := make([]byte, 16*512), make([]byte, 16*h.Size())
			if n := testing.AllocsPerRun(20, func() { h.SumBlocks(digests, data, 512) }); n != 0 {
				t.Errorf("%s, type %d: got %v allocations for 16 blocks, want 0", name, hashType, n)
			}
		}
	}
}

func TestDeviceReadsAllocateNothing(t *testing.T) {
	skipCounting(t)
	i := newImage(t, deep())
	for name, o := range map[string]DeviceOptions{
		"plain": {}, "small cache": {CacheBytes: 4096}, "zero blocks": {IgnoreZeroBlocks: true}, "once": {CheckAtMostOnce: true},
	} {
		d := i.device(t, o)
		for _, n := range []int{1, 100, 512, 4096, 100000} {
			b := make([]byte, n)
			at := int64(0)
			read := func() {
				if _, err := d.ReadAt(b, at); err != nil {
					t.Fatal(err)
				}
				at = (at + 31*512 + 5) % (d.Size() - int64(n))
			}
			for range 400 {
				read() // fills the cache
			}
			if got := testing.AllocsPerRun(200, read); got != 0 {
				t.Errorf("%s: got %v allocations for a read of %d bytes, want 0", name, got, n)
			}
		}
	}
}

func TestLargeReadsAllocateLittle(t *testing.T) {
	skipCounting(t)
	p := deep()
	p.Jobs = 4
	i := newImage(t, p)
	d := i.device(t, DeviceOptions{})
	b := make([]byte, 2<<20) // 4096 blocks in 16 pieces
	read := func() {
		if _, err := d.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if got := testing.AllocsPerRun(20, read); got > 20 {
		t.Errorf("got %v allocations for a read of 4096 blocks, want at most 20", got)
	}
}

// TestAllocationsDoNotGrow compares a small image with one eight times as large.
func TestAllocationsDoNotGrow(t *testing.T) {
	skipCounting(t)
	const large = 80000
	data := &memory{b: pattern(large*512, 1)}
	hash := &memory{b: make([]byte, 0, 8<<20)}
	p := Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512, Jobs: 2}
	work := map[string]func(p Params){
		"Build": func(p Params) {
			if _, err := Build(context.Background(), data, hash, p); err != nil {
				t.Fatal(err)
			}
		},
		"Check": func(p Params) {
			root, err := Build(context.Background(), data, hash, p)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := Check(context.Background(), data, hash, p, root); err != nil || !r.OK() {
				t.Fatal(r, err)
			}
		},
		"Writer": func(p Params) {
			blocks := p.DataBlocks
			p.DataBlocks = 0
			w, err := NewWriter(hash, p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(data.b[:blocks*512]); err != nil {
				t.Fatal(err)
			}
			if _, _, err := w.Finish(context.Background()); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, do := range work {
		allocs := func(blocks uint64) float64 {
			p := p
			p.DataBlocks = blocks
			do(p)
			return testing.AllocsPerRun(3, func() { do(p) })
		}
		small, big := allocs(large/8), allocs(large)
		if big > small+100 {
			t.Errorf("%s: got %v allocations for %d blocks, %v for %d; want about as many", name, small, large/8, big, large)
		}
	}
}
