package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
)

// holed is memory that says which blocks of 4096 bytes are holes, and notes what
// was read of them.
type holed struct {
	*memory
	holes     map[int64]bool
	holesRead atomic.Int64
}

func (h *holed) NextData(off int64) (start, end int64, err error) {
	for start = off; start < int64(len(h.b)) && h.holes[start/4096]; {
		start = start/4096*4096 + 4096
	}
	if start >= int64(len(h.b)) {
		return 0, 0, io.EOF
	}
	for end = start; end < int64(len(h.b)) && !h.holes[end/4096]; {
		end = end/4096*4096 + 4096
	}
	return start, end, nil
}

func (h *holed) ReadAt(p []byte, off int64) (int, error) {
	if h.holes[off/4096] && len(p) > 1 {
		h.holesRead.Add(int64(len(p)))
	}
	return h.memory.ReadAt(p, off)
}

// TestChangedBlocks compares images of random edits, with and without holes.
func TestChangedBlocks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(9, 9))
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for round := range rounds {
		p := params(uint64(1 + rng.IntN(700)))
		p.DataBlockSize = 512 << rng.IntN(5)
		p.Jobs = 1 + rng.IntN(3)
		data := pattern(int(p.DataBlocks)*p.DataBlockSize, uint64(round))
		var blocks []uint64
		for range rng.IntN(40) {
			blocks = append(blocks, rng.Uint64N(p.DataBlocks))
		}
		if round%7 == 0 {
			blocks = slices.Collect(seq(0, p.DataBlocks))
		}
		now := edited(rng, data, p.DataBlockSize, blocks)
		var want rangeList
		for b := range p.DataBlocks {
			at := int(b) * p.DataBlockSize
			if !bytes.Equal(data[at:at+p.DataBlockSize], now[at:at+p.DataBlockSize]) {
				want.add(b, 1)
			}
		}
		var told atomic.Int64
		p.Progress = func(n int64) { told.Add(n) }
		got, err := ChangedBlocks(context.Background(), &memory{b: append(data, 1, 2)}, &memory{b: now}, p)
		if err != nil || !slices.Equal(got, want.ranges) || told.Load() != int64(len(now)) {
			t.Fatalf("%s: got %v, %v, progress of %d bytes; want %v, %d", describe(p), got, err, told.Load(), want.ranges, len(now))
		}
	}
}

// TestChangedBlocksSkipsHoles has holes in the one, the other and both images; only
// what is a hole in both is not read.
func TestChangedBlocksSkipsHoles(t *testing.T) {
	t.Parallel()
	p := params(1200)
	p.Jobs = 2
	old := &holed{memory: &memory{b: pattern(1200*4096, 5)}, holes: map[int64]bool{}}
	now := &holed{memory: &memory{b: bytes.Clone(old.b)}, holes: map[int64]bool{}}
	for b := int64(128); b < 1100; b++ {
		old.holes[b], now.holes[b] = b < 1000, b >= 300
		for _, h := range []*holed{old, now} {
			if h.holes[b] {
				clear(h.b[b*4096:][:4096])
			}
		}
	}
	got, err := ChangedBlocks(context.Background(), old, now, p)
	if err != nil || len(got) == 0 || got[0].First < 128 || got[len(got)-1].Last >= 1100 || contains(got, 700) {
		t.Fatalf("got %v, %v, want blocks of 128 to 1099 except 300 to 999", got, err)
	}
	const chunk = chunkBytes / 4096
	if most := int64(300-128+2*chunk) * 4096; old.holesRead.Load() > most || now.holesRead.Load() > most {
		t.Errorf("got %d and %d bytes of holes read, want at most %d", old.holesRead.Load(), now.holesRead.Load(), most)
	}
}

func TestChangedBlocksRefuses(t *testing.T) {
	t.Parallel()
	p := params(100)
	i := newImage(t, p)
	for name, c := range map[string]struct {
		old, now *memory
		p        Params
		want     error
	}{
		"short old":  {short(i.data, 4096*99), i.data, p, io.ErrUnexpectedEOF},
		"short new":  {i.data, short(i.data, 4096*99), p, io.ErrUnexpectedEOF},
		"parameters": {i.data, i.data, Params{}, ErrBadParams},
	} {
		if _, err := ChangedBlocks(context.Background(), c.old, c.now, c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// TestJoinedRangesAreBounded collects more runs than are kept: what is kept covers
// them all.
func TestJoinedRangesAreBounded(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(12, 1))
	for _, limit := range []int{2, 3, 10, 100} {
		j := joinedRanges{limit: limit}
		var all []Range
		for at := uint64(0); len(all) < 1000; {
			r := Range{at, at + rng.Uint64N(3)}
			all = append(all, r)
			j.add(r)
			at = r.Last + 2 + rng.Uint64N(1<<rng.IntN(12))
		}
		list := JoinRanges(slices.Clone(all), limit)
		for what, got := range map[string][]Range{"collected": j.ranges, "joined": list} {
			if len(got) > limit || len(got) < min(limit, 2)/2 {
				t.Errorf("%s: %d ranges, want at most %d", what, len(got), limit)
			}
			for i, r := range all {
				if !contains(got, r.First) || !contains(got, r.Last) {
					t.Fatalf("%s, limit %d: range %d, %v, is not covered", what, limit, i, r)
				}
			}
			if got[0].First != 0 || got[len(got)-1].Last != all[len(all)-1].Last || !slices.IsSortedFunc(got, func(a, b Range) int { return int(a.Last) - int(b.First) }) {
				t.Errorf("%s: %v is not in order or covers too much", what, got)
			}
		}
	}
	if got := JoinRanges([]Range{{9, 9}, {1, 4}, {5, 5}, {3, 4}}, 5); !slices.Equal(got, []Range{{1, 5}, {9, 9}}) {
		t.Errorf("got %v, want 1-5, 9-9", got)
	}
}
