package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// lockedMemory is memory that may be written by several goroutines.
type lockedMemory struct {
	mu sync.Mutex
	memory
}

func (m *lockedMemory) WriteAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memory.WriteAt(p, off)
}

func (m *lockedMemory) ReadAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.memory.ReadAt(p, off)
}

// writeShuffled gives data to w in pieces of up to most blocks, in random order,
// from several goroutines.
func writeShuffled(t *testing.T, w *BlockWriter, rng *rand.Rand, data []byte, size, most int) {
	t.Helper()
	type piece struct{ from, to int }
	var pieces []piece
	for at := 0; at < len(data); {
		n := min((1+rng.IntN(most))*size, len(data)-at)
		pieces = append(pieces, piece{at, at + n})
		at += n
	}
	rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	var wg sync.WaitGroup
	for g := range 3 {
		wg.Go(func() {
			for i := g; i < len(pieces); i += 3 {
				p := pieces[i]
				if n, err := w.WriteAt(data[p.from:p.to], int64(p.from)); n != p.to-p.from || err != nil {
					t.Errorf("WriteAt(%d bytes, %d) = %d, %v", p.to-p.from, p.from, n, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestBlockWriter makes trees over old bytes from blocks in random order, and wants
// what Build makes.
func TestBlockWriter(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 9))
	for range 60 {
		p, _, _ := randomParams(rng, []string{"sha256", "sha1", "sha512", "md5", "rmd160"}[rng.IntN(5)])
		data := pattern(int(p.DataBlocks)*p.DataBlockSize, rng.Uint64())
		clear(data[:rng.IntN(len(data))/2])
		want, got := new(memory), new(lockedMemory)
		wantRoot, err := Build(context.Background(), &memory{b: data}, want, p)
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewLayout(p)
		if err != nil {
			t.Fatal(err)
		}
		got.b = bytes.Repeat([]byte{0xa5}, int(l.HashEndOffset())+100)
		w, err := NewBlockWriter(got, p)
		if err != nil {
			t.Fatal(err)
		}
		writeShuffled(t, w, rng, data, p.DataBlockSize, 300)
		root, err := w.Finish(context.Background())
		if err != nil || !bytes.Equal(root, wantRoot) {
			t.Errorf("%s: root hash %x, %v, want %x", describe(p), root, err, wantRoot)
		}
		start, end := l.HashOffset(), l.HashEndOffset()
		if len(l.levels) > 0 && !bytes.Equal(got.b[start:end], want.b[start:]) {
			t.Errorf("%s: the tree differs from that of Build", describe(p))
		}
		if around := append(bytes.Clone(got.b[:start]), got.b[end:]...); !bytes.Equal(around, bytes.Repeat([]byte{0xa5}, len(around))) {
			t.Errorf("%s: bytes around the tree were written", describe(p))
		}
	}
}

func TestBlockWriterRefuses(t *testing.T) {
	t.Parallel()
	p := params(10)
	w, err := NewBlockWriter(new(lockedMemory), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		n   int
		off int64
	}{{4095, 0}, {4096, 1}, {4096, -4096}, {4096, 10 * 4096}, {2 * 4096, 9 * 4096}, {4096, 1 << 62}} {
		if n, err := w.WriteAt(make([]byte, c.n), c.off); n != 0 || !errors.Is(err, ErrBadParams) {
			t.Errorf("WriteAt(%d bytes, %d) = %d, %v, want ErrBadParams", c.n, c.off, n, err)
		}
	}
	if _, err := w.WriteAt(make([]byte, 9*4096), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(context.Background()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("9 of 10 blocks: %v, want io.ErrShortWrite", err)
	}
	if _, err := NewBlockWriter(new(lockedMemory), Params{}); !errors.Is(err, ErrBadParams) {
		t.Errorf("no parameters: %v, want ErrBadParams", err)
	}
	broken := errors.New("broken")
	w, err = NewBlockWriter(brokenHash{broken}, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteAt(make([]byte, 4096), 0); !errors.Is(err, broken) {
		t.Errorf("broken hash device: %v, want its error", err)
	}
}

// brokenHash is a hash device that fails.
type brokenHash struct{ err error }

func (b brokenHash) ReadAt([]byte, int64) (int, error)  { return 0, b.err }
func (b brokenHash) WriteAt([]byte, int64) (int, error) { return 0, b.err }
