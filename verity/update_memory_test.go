//go:build linux

package verity

import (
	"bytes"
	"context"
	"io"
	"runtime/debug"
	"testing"
)

// uniformTree is the tree of an image of equal blocks, made as it is read: it takes
// no memory. It is for trees of full blocks up to the top.
type uniformTree struct {
	layout Layout
	blocks [][]byte // by level
	root   []byte
}

func newUniformTree(t *testing.T, p Params, block []byte) *uniformTree {
	t.Helper()
	l, err := NewLayout(p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHasher(p)
	if err != nil {
		t.Fatal(err)
	}
	u := &uniformTree{layout: l, root: make([]byte, l.digestSize)}
	h.SumBlocks(u.root, block, len(block))
	for level := range l.levels {
		_, slots := l.children(level, 0, 1)
		b := make([]byte, l.hashBlockSize)
		l.pack(b, 0, bytes.Repeat(u.root, int(slots)))
		u.blocks = append(u.blocks, b)
		h.SumBlocks(u.root, b, len(b))
	}
	return u
}

func (u *uniformTree) ReadAt(p []byte, off int64) (n int, err error) {
	size := int64(u.layout.hashBlockSize)
	for n < len(p) {
		at := off + int64(n)
		level := len(u.blocks) - 1
		for level > 0 && uint64(at/size) >= u.layout.levels[level-1].start {
			level--
		}
		if uint64(at/size) >= u.layout.HashEnd() {
			return n, io.EOF
		}
		n += copy(p[n:], u.blocks[level][at%size:])
	}
	return n, nil
}

// sampling is a writer that looks at the memory at every write.
type sampling struct{ peak *peak }

func (s sampling) WriteAt(p []byte, _ int64) (int, error) {
	s.peak.sample()
	return len(p), nil
}

// TestUpdateMemory changes all of 2 GiB, as a run and every other block, with as many
// jobs as a large machine has. It runs alone, for it looks at the memory of the process.
func TestUpdateMemory(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("goes through 2 GiB, three times")
	}
	p := params(128 * 128 * 32)
	p.HashStartBlock = 0
	p.Jobs = 64
	ones := bytes.Repeat([]byte{1}, p.DataBlockSize)
	was, now := newUniformTree(t, p, ones), newUniformTree(t, p, make([]byte, p.DataBlockSize))
	var every []Range
	for b := uint64(0); b < p.DataBlocks; b += 2 {
		every = append(every, Range{b, b})
	}
	debug.FreeOSMemory()
	seen := newPeak()
	p.Progress = func(int64) { seen.sample() }
	got, err := Update(context.Background(), zeros{}, was, sampling{seen}, p, []Range{{0, p.DataBlocks - 1}}, UpdateOptions{Root: was.root})
	if err != nil || !bytes.Equal(got.Root, now.root) || got.ChangedBlocks != p.DataBlocks {
		t.Fatalf("a run: got %+v, %v, want root %x", got, err, now.root)
	}
	seen.check(t, "a run")
	debug.FreeOSMemory()
	if _, err = Update(context.Background(), zeros{}, was, sampling{seen}, p, every, UpdateOptions{Root: was.root}); err != nil {
		t.Fatal(err)
	}
	seen.check(t, "every other block")
	debug.FreeOSMemory()
	list, err := ChangedBlocks(context.Background(), endless(1), zeros{}, p)
	if err != nil || len(list) != 1 {
		t.Fatalf("comparing: got %v, %v, want one range", list, err)
	}
	seen.check(t, "comparing")
}

// endless is a byte, everywhere.
type endless byte

func (e endless) ReadAt(p []byte, _ int64) (int, error) {
	p[0] = byte(e)
	for n := 1; n < len(p); n *= 2 {
		copy(p[n:], p[:n])
	}
	return len(p), nil
}

// hollow is a hole without end that must not be read but for a look at its end.
type hollow struct{ t *testing.T }

func (h hollow) NextData(int64) (start, end int64, err error) { return 0, 0, io.EOF }

func (h hollow) ReadAt(p []byte, off int64) (int, error) {
	if len(p) > 1 {
		h.t.Errorf("%d bytes read at offset %d, in a hole", len(p), off)
	}
	return zeros{}.ReadAt(p, off)
}

// TestUpdateSkipsHoles lists so much that holes are asked for.
func TestUpdateSkipsHoles(t *testing.T) {
	if testing.Short() {
		t.Skip("goes through 64 MiB, twice")
	}
	t.Parallel()
	p := params(128 * 128)
	p.HashStartBlock = 0
	p.Jobs = 2
	was, now := newUniformTree(t, p, bytes.Repeat([]byte{1}, p.DataBlockSize)), newUniformTree(t, p, make([]byte, p.DataBlockSize))
	got, err := Update(context.Background(), hollow{t}, was, &memory{}, p, []Range{{0, p.DataBlocks - 1}}, UpdateOptions{Root: was.root})
	if err != nil || !bytes.Equal(got.Root, now.root) {
		t.Errorf("got %+v, %v, want root %x", got, err, now.root)
	}
	got, err = Update(context.Background(), hollow{t}, now, &memory{}, p, []Range{{0, p.DataBlocks - 1}}, UpdateOptions{OldData: hollow{t}})
	if err != nil || got.ChangedBlocks != 0 {
		t.Errorf("nothing changed: got %+v, %v", got, err)
	}
}
