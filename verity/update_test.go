package verity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// changeSets are ways to change an image: which blocks are listed, and which of
// them really change.
var changeSets = map[string]func(rng *rand.Rand, blocks uint64) (listed []Range, changed []uint64){
	"nothing":         func(*rand.Rand, uint64) ([]Range, []uint64) { return nil, nil },
	"nothing, listed": func(_ *rand.Rand, n uint64) ([]Range, []uint64) { return []Range{{0, n - 1}}, nil },
	"first":           func(*rand.Rand, uint64) ([]Range, []uint64) { return []Range{{0, 0}}, []uint64{0} },
	"last":            func(_ *rand.Rand, n uint64) ([]Range, []uint64) { return []Range{{n - 1, n - 1}}, []uint64{n - 1} },
	"first and last": func(_ *rand.Rand, n uint64) ([]Range, []uint64) {
		return []Range{{n - 1, n - 1}, {0, 0}}, []uint64{0, n - 1}
	},
	"everything": func(_ *rand.Rand, n uint64) ([]Range, []uint64) {
		return []Range{{0, n - 1}}, slices.Collect(seq(0, n))
	},
	"a run": func(rng *rand.Rand, n uint64) ([]Range, []uint64) {
		first := rng.Uint64N(n)
		end := first + 1 + rng.Uint64N(n-first)
		return []Range{{first, end - 1}}, slices.Collect(seq(first, end))
	},
	"scattered": func(rng *rand.Rand, n uint64) (listed []Range, changed []uint64) {
		for range 1 + rng.IntN(20) {
			b := rng.Uint64N(n)
			listed = append(listed, Range{b, min(n-1, b+rng.Uint64N(3))})
			changed = append(changed, b)
		}
		return listed, changed
	},
	"every other": func(_ *rand.Rand, n uint64) (listed []Range, changed []uint64) {
		for b := uint64(0); b < n; b += 2 {
			listed = append(listed, Range{b, b})
			changed = append(changed, b)
		}
		return listed, changed
	},
}

func seq(first, end uint64) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for ; first < end && yield(first); first++ {
		}
	}
}

// edited returns data with other bytes in some blocks.
func edited(rng *rand.Rand, data []byte, size int, blocks []uint64) []byte {
	data = bytes.Clone(data)
	for _, b := range blocks {
		block := data[int(b)*size:][:size]
		if rng.IntN(4) == 0 {
			clear(block)
		}
		block[rng.IntN(size)] ^= byte(1 + rng.IntN(255))
	}
	return data
}

// TestUpdateEqualsBuild changes images of all shapes and of random ones in all
// ways; the tree must be the one that the model makes.
func TestUpdateEqualsBuild(t *testing.T) {
	t.Parallel()
	all := shapes()
	rng := rand.New(rand.NewPCG(3, 5))
	for i, name := range hashes.Names() {
		if (raceEnabled || testing.Short()) && i%4 != 0 {
			continue
		}
		p, _, _ := randomParams(rng, name)
		p.DataBlocks = min(p.DataBlocks, max(1, 1<<18/uint64(p.DataBlockSize)))
		all["random-"+name] = p
	}
	for name, p := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(len(name)), p.DataBlocks))
			for set, change := range changeSets {
				if testing.Short() && rng.IntN(3) != 0 {
					continue
				}
				i := newImage(t, p)
				i.p.Jobs = 1 + rng.IntN(4)
				listed, changed := change(rng, p.DataBlocks)
				now := &memory{b: edited(rng, i.data.b, p.DataBlockSize, changed)}
				compareUpdate(t, set, i, now, listed, rng.IntN(2) == 0)
			}
		})
	}
}

// compareUpdate updates i, into its own tree and into another file, and compares
// with the model.
func compareUpdate(t *testing.T, what string, i *image, now *memory, listed []Range, withOld bool) {
	t.Helper()
	tree, root := modelTree(t, i.p, now.b)
	want := append(bytes.Clone(i.hash.b[:int(i.p.HashStartBlock)*i.p.HashBlockSize]), tree...)
	o := UpdateOptions{Root: i.root}
	if withOld {
		o.OldData = i.data
	}
	given := slices.Clone(listed)
	aside := &memory{b: bytes.Clone(i.hash.b)}
	var told int64
	p := i.p
	p.Progress = func(n int64) { told += n }
	got, err := Update(context.Background(), now, i.hash, aside, p, listed, o)
	if err != nil {
		t.Fatalf("%s of %s: %v", what, describe(i.p), err)
	}
	if !bytes.Equal(got.Root, root) || !bytes.Equal(aside.b, want) {
		t.Fatalf("%s of %s: got root %x, want %x; tree right: %t", what, describe(i.p), got.Root, root, bytes.Equal(aside.b, want))
	}
	if knows := withOld || len(listed) > 0 || i.p.DataBlocks > 1; knows && !bytes.Equal(got.OldRoot, i.root) {
		t.Errorf("%s of %s: got old root %x, want %x", what, describe(i.p), got.OldRoot, i.root)
	}
	if told != int64(got.ListedBlocks)*int64(p.DataBlockSize) {
		t.Errorf("%s of %s: progress of %d bytes, %d blocks were listed", what, describe(i.p), told, got.ListedBlocks)
	}
	if !slices.Equal(listed, given) {
		t.Errorf("%s of %s: the list was changed", what, describe(i.p))
	}
	checkCounts(t, what, i, now, aside, got)
	if _, err := Update(context.Background(), now, i.hash, i.hash, i.p, listed, o); err != nil || !bytes.Equal(i.hash.b, want) {
		t.Errorf("%s of %s in place: %v, tree right: %t", what, describe(i.p), err, bytes.Equal(i.hash.b, want))
	}
	checkUpdatedAlready(t, what, i, now, listed, root, withOld)
}

// checkCounts compares what an update says with the blocks that differ.
func checkCounts(t *testing.T, what string, i *image, now, hash *memory, got *Updated) {
	t.Helper()
	differ := func(a, b []byte, size int) (list []uint64) {
		for at := 0; at < len(a); at += size {
			if !bytes.Equal(a[at:at+size], b[at:at+size]) {
				list = append(list, uint64(at/size))
			}
		}
		return list
	}
	data, tree := differ(i.data.b, now.b, i.p.DataBlockSize), differ(i.hash.b, hash.b, i.p.HashBlockSize)
	if got.ChangedBlocks != uint64(len(data)) || got.HashBlocks != uint64(len(tree)) || got.KnownBlocks != 0 {
		t.Errorf("%s of %s: got %d changed blocks, %d of the tree, %d known; want %d, %d, 0",
			what, describe(i.p), got.ChangedBlocks, got.HashBlocks, got.KnownBlocks, len(data), len(tree))
	}
	for _, b := range tree {
		if !contains(got.Path, b) {
			t.Errorf("%s of %s: hash block %d was written and is not on the path %v", what, describe(i.p), b, got.Path)
		}
	}
}

// checkUpdatedAlready updates once more, which must change nothing.
func checkUpdatedAlready(t *testing.T, what string, i *image, now *memory, listed []Range, root []byte, withOld bool) {
	t.Helper()
	o := UpdateOptions{}
	if withOld {
		o.OldData = i.data
	}
	got, err := Update(context.Background(), now, i.hash, failingWriter{}, i.p, listed, o)
	if err != nil || !bytes.Equal(got.Root, root) || got.HashBlocks != 0 {
		t.Fatalf("%s of %s again: got %+v, %v, want no change", what, describe(i.p), got, err)
	}
	if i.p.DataBlocks > 1 && got.ChangedBlocks != 0 {
		t.Errorf("%s of %s again: got %d changed blocks, want 0", what, describe(i.p), got.ChangedBlocks)
	}
	if differ := !bytes.Equal(now.b, i.data.b); withOld && i.p.DataBlocks > 1 && (got.KnownBlocks > 0) != differ {
		t.Errorf("%s of %s again: got %d known blocks, data differs: %t", what, describe(i.p), got.KnownBlocks, differ)
	}
}

// failingWriter refuses every write.
type failingWriter struct{}

func (failingWriter) WriteAt([]byte, int64) (int, error) { return 0, errors.New("written to") }

// TestUpdateInOneFile has the tree behind the data.
func TestUpdateInOneFile(t *testing.T) {
	t.Parallel()
	p := deep()
	p.HashStartBlock = p.DataBlocks + 3
	i := newImage(t, p)
	file := &memory{b: append(bytes.Clone(i.data.b), i.hash.b[len(i.data.b):]...)}
	rng := rand.New(rand.NewPCG(1, 1))
	file.b = append(edited(rng, i.data.b, p.DataBlockSize, []uint64{7, 900}), file.b[len(i.data.b):]...)
	tree, root := modelTree(t, p, file.b)
	got, err := Update(context.Background(), file, file, file, p, []Range{{900, 900}, {7, 7}}, UpdateOptions{})
	if err != nil || !bytes.Equal(got.Root, root) || !bytes.HasSuffix(file.b, tree) {
		t.Errorf("got %+v, %v, want root %x and the tree of the model", got, err, root)
	}
}

// TestUpdateFindsDamage damages tree blocks on the path and beside it. The first
// are named; the others are left alone.
func TestUpdateFindsDamage(t *testing.T) {
	t.Parallel()
	p := deep()
	sound := newImage(t, p)
	l := sound.layout(t)
	listed := []Range{{40, 41}, {3000, 3500}}
	path := l.path(listed)
	every := uint64(8)
	if testing.Short() {
		every = 40
	}
	for level := range l.Levels() {
		for block := range l.LevelBlocks(level) {
			at := l.LevelStart(level) + block
			if block%every != 0 && (testing.Short() || !contains(path, at)) {
				continue
			}
			i := newImage(t, p)
			flip(i.hash, int64(at)*int64(p.HashBlockSize)+int64(block)%32)
			now := &memory{b: edited(rand.New(rand.NewPCG(at, 2)), i.data.b, p.DataBlockSize, []uint64{40, 3111})}
			_, err := Update(context.Background(), now, i.hash, &memory{}, p, listed, UpdateOptions{Root: i.root})
			var mismatch *MismatchError
			var root *RootError
			switch onPath := contains(path, at); {
			case !onPath && err != nil:
				t.Errorf("level %d, block %d beside the path: %v", level, block, err)
			case onPath && level == l.Levels()-1 && !errors.As(err, &root):
				t.Errorf("top: got %v, want a RootError", err)
			case onPath && level < l.Levels()-1 && (!errors.As(err, &mismatch) || !slices.Equal(mismatch.Tree, []Range{{at, at}}) || len(mismatch.Data) != 0 || mismatch.More):
				t.Errorf("level %d, block %d (hash block %d): got %v", level, block, at, err)
			case onPath && !errors.Is(err, ErrCorrupt):
				t.Errorf("level %d, block %d: got %v, want ErrCorrupt", level, block, err)
			}
		}
	}
}

// TestUpdateNamesAllDamage has several damaged blocks, some below others.
func TestUpdateNamesAllDamage(t *testing.T) {
	t.Parallel()
	p := deep()
	i := newImage(t, p)
	l := i.layout(t)
	size := int64(p.HashBlockSize)
	flip(i.hash, int64(l.LevelStart(0)+2)*size)
	flip(i.hash, int64(l.LevelStart(0)+3)*size)
	flip(i.hash, int64(l.LevelStart(0)+100)*size)
	flip(i.hash, int64(l.LevelStart(1)+6)*size) // above block 100 of level 0
	_, err := Update(context.Background(), i.data, i.hash, &memory{}, p, []Range{{0, p.DataBlocks - 1}}, UpdateOptions{Root: i.root})
	var mismatch *MismatchError
	want := []Range{{l.LevelStart(1) + 6, l.LevelStart(1) + 6}, {l.LevelStart(0) + 2, l.LevelStart(0) + 3}}
	if !errors.As(err, &mismatch) || !slices.Equal(mismatch.Tree, want) {
		t.Fatalf("got %v, want hash blocks %v", err, want)
	}
	if text := err.Error(); !strings.Contains(text, fmt.Sprintf("hash blocks %d-%d, %d-%d do not match", want[0].First, want[0].Last, want[1].First, want[1].Last)) {
		t.Errorf("got %q, want the blocks in it", text)
	}
}

// TestUpdateSpareBytes has bytes between and behind digests that no tree has: they
// are damage, as for Check, also in the block at the top.
func TestUpdateSpareBytes(t *testing.T) {
	t.Parallel()
	p := Params{HashType: 1, Algorithm: "sha1", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 300}
	sound := newImage(t, p)
	l := sound.layout(t)
	for level := range l.Levels() {
		i := newImage(t, p)
		at := l.LevelStart(level) + l.LevelBlocks(level) - 1
		flip(i.hash, int64(at)*512+21) // between the first two digests
		// The tree above is made to agree.
		above, err := buildLevels(&l, i.hash, p, level)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Update(context.Background(), i.data, i.hash, failingWriter{}, p, []Range{{299, 299}}, UpdateOptions{Root: above})
		var mismatch *MismatchError
		if !errors.As(err, &mismatch) || !slices.Equal(mismatch.Tree, []Range{{at, at}}) {
			t.Errorf("level %d: got %v, want hash block %d", level, err, at)
		}
	}
}

// buildLevels makes the levels above one anew and returns the root hash.
func buildLevels(l *Layout, hash *memory, p Params, level int) ([]byte, error) {
	if level+1 < len(l.levels) {
		return buildAbove(context.Background(), hashSource(hash, l, level), hash, l, p, level+1)
	}
	h, err := NewHasher(p)
	if err != nil {
		return nil, err
	}
	root := make([]byte, l.digestSize)
	h.SumBlocks(root, hash.b[l.hashOffset(l.levels[level].start):][:l.hashBlockSize], l.hashBlockSize)
	return root, nil
}

// TestUpdateOldData gives an old image that the tree was not made of.
func TestUpdateOldData(t *testing.T) {
	t.Parallel()
	p := deep()
	i := newImage(t, p)
	rng := rand.New(rand.NewPCG(4, 4))
	now := &memory{b: edited(rng, i.data.b, p.DataBlockSize, []uint64{10, 11, 500})}
	old := &memory{b: edited(rng, i.data.b, p.DataBlockSize, []uint64{10, 11, 77})}
	_, err := Update(context.Background(), now, i.hash, failingWriter{}, p, []Range{{10, 11}, {77, 77}}, UpdateOptions{OldData: old})
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || !slices.Equal(mismatch.Data, []Range{{10, 11}}) || len(mismatch.Tree) != 0 {
		t.Errorf("got %v, want old data blocks 10-11 (block 77 is in the tree as it is now)", err)
	}
	if _, err := Update(context.Background(), now, i.hash, failingWriter{}, p, []Range{{10, 10}}, UpdateOptions{OldData: short(i.data, 1000)}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short old data: got %v, want ErrUnexpectedEOF", err)
	}
}

// TestUpdateRefuses has everything that is wrong before the first block is hashed.
func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	p := deep()
	i := newImage(t, p)
	bad := p
	bad.HashType = 7
	for name, c := range map[string]struct {
		p          Params
		data, hash *memory
		changed    []Range
		o          UpdateOptions
		want       error
	}{
		"parameters":     {bad, i.data, i.hash, nil, UpdateOptions{}, ErrBadParams},
		"past the end":   {p, i.data, i.hash, []Range{{5, p.DataBlocks}}, UpdateOptions{}, ErrBadParams},
		"backwards":      {p, i.data, i.hash, []Range{{5, 4}}, UpdateOptions{}, ErrBadParams},
		"root too short": {p, i.data, i.hash, nil, UpdateOptions{Root: []byte{1}}, ErrBadParams},
		"another root":   {p, i.data, i.hash, nil, UpdateOptions{Root: make([]byte, 32)}, ErrCorrupt},
		"short data":     {p, short(i.data, len(i.data.b)-1), i.hash, nil, UpdateOptions{}, io.ErrUnexpectedEOF},
		"short hash":     {p, i.data, short(i.hash, len(i.hash.b)-1), nil, UpdateOptions{}, io.ErrUnexpectedEOF},
	} {
		if _, err := Update(context.Background(), c.data, c.hash, failingWriter{}, c.p, c.changed, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	_, err := Update(context.Background(), i.data, i.hash, failingWriter{}, p, []Range{{5, p.DataBlocks}}, UpdateOptions{})
	if want := fmt.Sprintf("there are %d data blocks", p.DataBlocks); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want the size in it", err)
	}
}

// TestUpdateSingleBlock updates images without a tree.
func TestUpdateSingleBlock(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(1))
	now := &memory{b: edited(rand.New(rand.NewPCG(1, 9)), i.data.b, 4096, []uint64{0})}
	_, root := modelTree(t, i.p, now.b)
	one := []Range{{0, 0}}
	for name, c := range map[string]struct {
		data    *memory
		changed []Range
		o       UpdateOptions
		root    []byte
		old     []byte
		want    error
	}{
		"unknown":             {now, one, UpdateOptions{}, root, nil, nil},
		"root given":          {now, one, UpdateOptions{Root: i.root}, root, i.root, nil},
		"old data":            {now, one, UpdateOptions{OldData: i.data, Root: i.root}, root, i.root, nil},
		"other old data":      {now, one, UpdateOptions{OldData: now, Root: i.root}, nil, nil, ErrCorrupt},
		"not listed":          {i.data, nil, UpdateOptions{Root: i.root}, i.root, i.root, nil},
		"changed, not listed": {now, nil, UpdateOptions{Root: i.root}, nil, nil, ErrCorrupt},
	} {
		got, err := Update(context.Background(), c.data, i.hash, failingWriter{}, i.p, c.changed, c.o)
		if !errors.Is(err, c.want) || err == nil && (!bytes.Equal(got.Root, c.root) || !bytes.Equal(got.OldRoot, c.old)) {
			t.Errorf("%s: got %+v, %v, want root %x, old root %x, %v", name, got, err, c.root, c.old, c.want)
		}
	}
}

// TestUpdateDeviceErrors has reads and writes fail at any time.
func TestUpdateDeviceErrors(t *testing.T) {
	t.Parallel()
	p := deep()
	p.DataBlocks, p.Jobs = 600, 3
	i := newImage(t, p)
	all := []Range{{0, p.DataBlocks - 1}}
	now := &memory{b: edited(rand.New(rand.NewPCG(1, 3)), i.data.b, p.DataBlockSize, []uint64{0, 200, p.DataBlocks - 1})}
	steps := 15
	if testing.Short() {
		steps = 4
	}
	for n := range steps {
		data := &failing{now, int64(n) * int64(len(now.b)) / int64(steps)}
		old := &failing{i.data, data.at}
		hash := &failing{i.hash, (int64(i.p.HashStartBlock) + int64(n)) * int64(p.HashBlockSize)}
		for name, run := range map[string]func() (*Updated, error){
			"data": func() (*Updated, error) {
				return Update(context.Background(), data, i.hash, &memory{}, p, all, UpdateOptions{})
			},
			"hash": func() (*Updated, error) {
				return Update(context.Background(), now, hash, &memory{}, p, all, UpdateOptions{Root: i.root})
			},
			"old data": func() (*Updated, error) {
				return Update(context.Background(), now, i.hash, &memory{}, p, all, UpdateOptions{OldData: old})
			},
		} {
			if _, err := run(); !errors.Is(err, errMedium) {
				t.Errorf("%s failing in step %d: got %v", name, n, err)
			}
		}
		if _, err := ChangedBlocks(context.Background(), old, now, p); !errors.Is(err, errMedium) {
			t.Errorf("comparing, failing in step %d: got %v", n, err)
		}
	}
	if _, err := Update(context.Background(), now, i.hash, failingWriter{}, p, all, UpdateOptions{}); err == nil || !strings.Contains(err.Error(), "written to") {
		t.Errorf("out failing: got %v", err)
	}
}

// TestUpdateStops cancels after some reads.
func TestUpdateStops(t *testing.T) {
	t.Parallel()
	p := params(1 << 20)
	p.Jobs = 2
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var reads atomic.Int64
	data := &stopping{call: func() {
		if reads.Add(1) == 20 {
			cancel()
		}
	}}
	_, err := Update(ctx, data, zeros{}, &memory{}, p, []Range{{0, 1<<20 - 1}}, UpdateOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the error of the context", err)
	}
	if _, err := ChangedBlocks(ctx, zeros{}, zeros{}, p); !errors.Is(err, context.Canceled) {
		t.Errorf("comparing: got %v, want the error of the context", err)
	}
}
