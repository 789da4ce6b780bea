package verity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
)

func TestCheckSoundImages(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newImage(t, p)
			var done atomic.Int64
			i.p.Progress, i.p.Jobs = func(n int64) { done.Add(n) }, 100
			r, err := Check(context.Background(), i.data, i.hash, i.p, i.root)
			if err != nil {
				t.Fatal(err)
			}
			if !r.OK() || !bytes.Equal(r.Root, i.root) {
				t.Errorf("sound image: got %+v, want OK", r)
			}
			if done.Load() != int64(len(i.data.b)) {
				t.Errorf("progress: got %d bytes, want %d", done.Load(), len(i.data.b))
			}
		})
	}
}

// flip damages one byte.
func flip(m *memory, off int64) { m.b[off] ^= 0x40 }

// wipe zeroes whole blocks.
func wipe(m *memory, block, count, size int) {
	for i := range count * size {
		m.b[block*size+i] = 0xee
	}
}

// deep is a tree whose upper levels are walked by the checker and whose lower
// ones by its goroutines: 4 levels of 1, 2, 17 and 257 blocks from block 0 on,
// 16 digests each.
func deep() Params {
	return Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 16*16*16 + 1, Salt: []byte{1}}
}

// First hash blocks of the levels of deep.
const (
	deepTop    = 0
	deepLevel2 = 1
	deepLevel1 = 3
	deepLevel0 = 20
	deepBlocks = 277
)

func TestCheckFindsAllDamage(t *testing.T) {
	t.Parallel()
	sha1 := Params{HashType: 1, Algorithm: "sha1", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 20, HashStartBlock: 2}
	tests := map[string]struct {
		p      Params
		damage func(i *image)
		want   Report
	}{
		"one data block": {
			params(300), func(i *image) { flip(i.data, 4096*17+5) },
			Report{RootOK: true, Data: []Range{{17, 17}}},
		},
		"first and last data block": {
			params(300), func(i *image) { flip(i.data, 0); flip(i.data, 300*4096-1) },
			Report{RootOK: true, Data: []Range{{0, 0}, {299, 299}}},
		},
		"neighbours are one range": {
			params(300), func(i *image) { wipe(i.data, 100, 60, 4096) },
			Report{RootOK: true, Data: []Range{{100, 159}}},
		},
		"ranges over pieces": {
			deep(), func(i *image) { wipe(i.data, 1000, 100, 512); wipe(i.data, 4095, 2, 512) },
			Report{RootOK: true, Data: []Range{{1000, 1099}, {4095, 4096}}},
		},
		"a digest in level 0": {
			params(300), func(i *image) { flip(i.hash, 2*4096+32*5) },
			Report{RootOK: true, Tree: []Range{{2, 2}}},
		},
		"a digest in level 0 and data below it": {
			params(300), func(i *image) { flip(i.hash, 2*4096+32*5); flip(i.data, 9*4096) },
			Report{RootOK: true, Tree: []Range{{2, 2}}, Data: []Range{{9, 9}}},
		},
		"a sector of level 0 and data below it": {
			params(300), func(i *image) { wipe(i.hash, 2*8+3, 1, 512); flip(i.data, 9*4096) },
			Report{RootOK: true, Tree: []Range{{2, 2}}, Data: []Range{{9, 9}}},
		},
		"a block of level 0 lost": {
			params(300), func(i *image) { wipe(i.hash, 3, 1, 4096) },
			Report{RootOK: true, Tree: []Range{{3, 3}}},
		},
		"a block of level 0 lost and data below it": {
			params(300), func(i *image) { wipe(i.hash, 3, 1, 4096); flip(i.data, 200*4096) },
			Report{RootOK: true, Tree: []Range{{3, 3}}, Unproven: []Range{{128, 255}}},
		},
		"the top lost": {
			params(300), func(i *image) { wipe(i.hash, 1, 1, 4096) },
			Report{RootOK: true, Tree: []Range{{1, 1}}},
		},
		"the top lost and data damaged": {
			params(300), func(i *image) { wipe(i.hash, 1, 1, 4096); flip(i.data, 4096) },
			Report{RootOK: true, Tree: []Range{{1, 1}}, Data: []Range{{1, 1}}},
		},
		"the whole tree lost": {
			params(300), func(i *image) { wipe(i.hash, 1, 4, 4096) },
			Report{RootOK: true, Tree: []Range{{1, 4}}},
		},
		"the whole deep tree lost": {
			deep(), func(i *image) { wipe(i.hash, 0, deepBlocks, 512) },
			Report{RootOK: true, Tree: []Range{{0, deepBlocks - 1}}},
		},
		"the upper levels lost and data damaged": {
			deep(), func(i *image) { wipe(i.hash, 0, deepLevel0, 512); flip(i.data, 512*4000) },
			Report{RootOK: true, Tree: []Range{{0, deepLevel0 - 1}}, Data: []Range{{4000, 4000}}},
		},
		"a block of level 2 lost": {
			deep(), func(i *image) { wipe(i.hash, deepLevel2, 1, 512) },
			Report{RootOK: true, Tree: []Range{{deepLevel2, deepLevel2}}},
		},
		"levels 2 and 1 lost in part": {
			deep(), func(i *image) { wipe(i.hash, deepLevel2, 1, 512); wipe(i.hash, deepLevel1+3, 1, 512) },
			Report{RootOK: true, Tree: []Range{{deepLevel2, deepLevel2}, {deepLevel1 + 3, deepLevel1 + 3}}},
		},
		"level 2 beyond restoring": {deep(), func(i *image) {
			wipe(i.hash, deepLevel2, 1, 512)
			wipe(i.hash, deepLevel1+3, 1, 512)
			flip(i.data, 512*(3*256+7))
			wipe(i.hash, deepLevel0+3*16, 1, 512)
		}, Report{RootOK: true, Tree: []Range{{deepLevel2, deepLevel2}}, Unproven: []Range{{0, 4095}}}},
		"level 1 beyond restoring": {deep(), func(i *image) {
			wipe(i.hash, deepLevel1+2, 1, 512)
			wipe(i.hash, deepLevel0+2*16, 1, 512)
			flip(i.data, 512*(2*256))
		}, Report{RootOK: true, Tree: []Range{{deepLevel1 + 2, deepLevel1 + 2}}, Unproven: []Range{{512, 767}}}},
		"spare bytes after the last digest": {
			params(300), func(i *image) { flip(i.hash, 2*4096-1) },
			Report{RootOK: true, Tree: []Range{{1, 1}}},
		},
		"spare bytes between digests": {
			sha1, func(i *image) { flip(i.hash, 3*512+32+20) },
			Report{RootOK: true, Tree: []Range{{3, 3}}},
		},
		"spare bytes and data": {
			params(300), func(i *image) { flip(i.hash, 2*4096-1); flip(i.data, 0) },
			Report{RootOK: true, Tree: []Range{{1, 1}}, Data: []Range{{0, 0}}},
		},
		"another root hash": {
			params(300), func(i *image) { i.root[0] ^= 1 },
			Report{},
		},
		"another root hash and data damaged": {
			params(300), func(i *image) { i.root[0] ^= 1; flip(i.data, 4096*299) },
			Report{Data: []Range{{299, 299}}},
		},
		"another root hash of a deep tree": {
			deep(), func(i *image) { i.root[31] ^= 1; wipe(i.hash, deepLevel2, 1, 512) },
			Report{Tree: []Range{{deepLevel2, deepLevel2}}},
		},
		"another salt": {
			params(300), func(i *image) { i.p.Salt = []byte("pepper") },
			Report{Tree: []Range{{1, 1}}, Unproven: []Range{{0, 299}}},
		},
		"data without a tree": {
			params(1), func(i *image) { flip(i.data, 9) },
			Report{Data: []Range{{0, 0}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newImage(t, test.p)
			i.root = bytes.Clone(i.root)
			test.damage(i)
			var done atomic.Int64
			i.p.Progress = func(n int64) { done.Add(n) }
			got, err := Check(context.Background(), i.data, i.hash, i.p, i.root)
			if err != nil {
				t.Fatal(err)
			}
			if got.OK() || !sameReport(got, &test.want) {
				t.Errorf("got %s, want %s", show(got), show(&test.want))
			}
			if got.RootOK != bytes.Equal(got.Root, i.root) {
				t.Errorf("root: got %x with RootOK %v, asked for %x", got.Root, got.RootOK, i.root)
			}
			if done.Load() != int64(len(i.data.b)) {
				t.Errorf("progress: got %d bytes, want %d", done.Load(), len(i.data.b))
			}
		})
	}
}

func sameReport(a, b *Report) bool {
	return a.RootOK == b.RootOK && a.More == b.More &&
		equalRanges(a.Data, b.Data) && equalRanges(a.Tree, b.Tree) && equalRanges(a.Unproven, b.Unproven)
}

func show(r *Report) string {
	return fmt.Sprintf("{root %v data %v tree %v unproven %v more %v}", r.RootOK, r.Data, r.Tree, r.Unproven, r.More)
}

func TestCheckAcceptedSpareBytes(t *testing.T) {
	t.Parallel()
	// A tree that was made with junk after its digests: the hashes are right, and
	// yet veritysetup calls it damaged.
	i := newImage(t, params(300))
	i.hash.b[2*4096-1] = 1
	h, err := NewHasher(i.p)
	if err != nil {
		t.Fatal(err)
	}
	h.SumBlocks(i.root, i.hash.b[4096:8192], 4096)
	got, err := Check(context.Background(), i.data, i.hash, i.p, i.root)
	if want := (&Report{RootOK: true, Tree: []Range{{1, 1}}}); err != nil || !sameReport(got, want) {
		t.Errorf("got %s, %v, want %s", show(got), err, show(want))
	}
}

// TestCheckRandomDamage damages images at random and demands what must hold in
// any case: nothing sound is called damaged, and nothing damaged is passed over.
func TestCheckRandomDamage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 2))
	for round := range 120 {
		p := []Params{deep(), params(300), params(129)}[round%3]
		p.Jobs = 1 + rng.IntN(4)
		i := newImage(t, p)
		sound := *i
		sound.data, sound.hash = &memory{b: bytes.Clone(i.data.b)}, &memory{b: bytes.Clone(i.hash.b)}
		for range rng.IntN(6) {
			damage(rng, i.data.b)
		}
		tree := i.hash.b[int(p.HashStartBlock)*p.HashBlockSize:]
		for range rng.IntN(6) {
			damage(rng, tree)
		}
		got, err := Check(context.Background(), i.data, i.hash, p, i.root)
		if err != nil {
			t.Fatal(err)
		}
		if got.RootOK { // otherwise the lists are about another tree
			checkVerdict(t, round, got, i, &sound)
		}
	}
}

// damage overwrites a run of bytes.
func damage(rng *rand.Rand, b []byte) {
	from := rng.IntN(len(b))
	n := min(len(b)-from, 1<<rng.IntN(14))
	for j := range n {
		b[from+j] ^= 0x11
	}
}

// checkVerdict compares a report with what really differs.
func checkVerdict(t *testing.T, round int, got *Report, i, sound *image) {
	t.Helper()
	l := i.layout(t)
	size := i.p.DataBlockSize
	for block := range i.p.DataBlocks {
		at := int(block) * size
		differs := !bytes.Equal(i.data.b[at:at+size], sound.data.b[at:at+size])
		listed, lost := contains(got.Data, block), contains(got.Unproven, block)
		if listed && !differs || differs && !listed && !lost || listed && lost {
			t.Errorf("round %d, data block %d: differs %v, listed %v, unproven %v; report %s", round, block, differs, listed, lost, show(got))
		}
	}
	size = i.p.HashBlockSize
	for block := l.HashStart(); block < l.HashEnd(); block++ {
		at := int(block) * size
		differs := !bytes.Equal(i.hash.b[at:at+size], sound.hash.b[at:at+size])
		if listed := contains(got.Tree, block); listed && !differs || differs && !listed && len(got.Unproven) == 0 {
			t.Errorf("round %d, hash block %d: differs %v, listed %v; report %s", round, block, differs, listed, show(got))
		}
	}
}

func contains(ranges []Range, block uint64) bool {
	for _, r := range ranges {
		if r.First <= block && block <= r.Last {
			return true
		}
	}
	return false
}

func TestCheckRangesAreOrdered(t *testing.T) {
	t.Parallel()
	i := newImage(t, deep())
	for b := 0; b < 4097; b += 2 {
		flip(i.data, int64(b)*512)
	}
	for b := deepLevel0 + 1; b < deepBlocks; b += 16 {
		flip(i.hash, int64(b)*512)
	}
	got, err := Check(context.Background(), i.data, i.hash, i.p, i.root)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]Range{got.Data, got.Tree, got.Unproven} {
		for n := 1; n < len(list); n++ {
			if list[n].First <= list[n-1].Last+1 {
				t.Errorf("ranges %v and %v: not ascending and merged", list[n-1], list[n])
			}
		}
	}
	checkVerdict(t, 0, got, i, newImage(t, deep()))
}

func TestRangeListIsBounded(t *testing.T) {
	t.Parallel()
	var l, all rangeList
	for i := range uint64(maxRanges + 10) {
		l.add(3*i, 2)
	}
	l.add(1, 0)
	all.take(&l, 5)
	if len(all.ranges) != maxRanges || !all.more || all.ranges[1] != (Range{8, 9}) || len(l.ranges) != 0 {
		t.Errorf("got %d ranges, more %v, second %v; want %d, true, {8 9}", len(all.ranges), all.more, all.ranges[1], maxRanges)
	}
}

// failing is a device where reads or writes that touch one byte fail.
type failing struct {
	*memory
	at int64
}

var errMedium = errors.New("medium error")

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		n, _ := f.memory.ReadAt(p[:f.at-off], off)
		return n, errMedium
	}
	return f.memory.ReadAt(p, off)
}

func (f *failing) WriteAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		return 0, errMedium
	}
	return f.memory.WriteAt(p, off)
}

// short is a device that is cut off.
func short(m *memory, n int) *memory { return &memory{b: m.b[:n]} }

func TestCheckErrorsAreNotDamage(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	i := newImage(t, deep())
	tests := map[string]struct {
		ctx        context.Context
		data, hash io.ReaderAt
		p          Params
		root       []byte
		want       error
		text       string
	}{
		"data cut":           {context.Background(), short(i.data, 5000), i.hash, i.p, i.root, io.ErrUnexpectedEOF, "data: has 5000 bytes, 2097664 are needed"},
		"data empty":         {context.Background(), &memory{}, i.hash, i.p, i.root, io.ErrUnexpectedEOF, "data: has 0 bytes"},
		"hash cut":           {context.Background(), i.data, short(i.hash, 600), i.p, i.root, io.ErrUnexpectedEOF, "hash: has 600 bytes, 141824 are needed"},
		"data unreadable":    {context.Background(), &failing{i.data, 512*3000 + 7}, i.hash, i.p, i.root, errMedium, "reading data at offset 1536007"},
		"level 0 unreadable": {context.Background(), i.data, &failing{i.hash, deepLevel0 * 512}, i.p, i.root, errMedium, "reading hash at offset 10240"},
		"top unreadable":     {context.Background(), i.data, &failing{i.hash, 0}, i.p, i.root, errMedium, "reading hash at offset 0"},
		"root too short":     {context.Background(), i.data, i.hash, i.p, i.root[:31], ErrBadParams, "root hash of 31 bytes: digests have 32"},
		"no parameters":      {context.Background(), i.data, i.hash, Params{}, i.root, ErrBadParams, ""},
		"cancelled":          {ended, i.data, i.hash, i.p, i.root, context.Canceled, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Check(test.ctx, test.data, test.hash, test.p, test.root)
			if got != nil || !errors.Is(err, test.want) || errors.Is(err, ErrCorrupt) {
				t.Fatalf("got %+v, %v, want %v", got, err, test.want)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("got error %q, want %q in it", err, test.text)
			}
		})
	}
}

// TestCheckErrorsWhileRestoring has damage and a medium error together.
func TestCheckErrorsWhileRestoring(t *testing.T) {
	t.Parallel()
	for _, at := range []int64{deepTop, deepLevel2, deepLevel1, deepLevel1 + 5, deepLevel0, deepLevel0 + 99} {
		for _, bad := range []int64{0, 512 * 256 * 5, 512 * 4096} {
			i := newImage(t, deep())
			wipe(i.hash, int(at), 1, 512)
			wipe(i.hash, deepLevel1+5, 1, 512)
			got, err := Check(context.Background(), &failing{i.data, bad}, i.hash, i.p, i.root)
			if got != nil || !errors.Is(err, errMedium) {
				t.Errorf("hash block %d lost, data unreadable at %d: got %+v, %v, want the medium error", at, bad, got, err)
			}
		}
	}
}
