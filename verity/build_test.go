package verity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"
	"testing"
)

func TestBuildEqualsModel(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		for _, jobs := range []int{1, 3, 100} {
			t.Run(fmt.Sprintf("%s, %d jobs", name, jobs), func(t *testing.T) {
				t.Parallel()
				p := p
				want := newImage(t, p)
				var done atomic.Int64
				p.Jobs, p.Progress = jobs, func(n int64) { done.Add(n) }
				var got memory
				root, err := Build(context.Background(), want.data, &got, p)
				if err != nil || !bytes.Equal(root, want.root) {
					t.Errorf("root hash: got %x, %v, want %x", root, err, want.root)
				}
				if p.DataBlocks > 1 && !bytes.Equal(got.b, want.hash.b) || p.DataBlocks == 1 && len(got.b) != 0 {
					t.Error("tree differs from the model")
				}
				if done.Load() != int64(len(want.data.b)) {
					t.Errorf("progress: got %d bytes, want %d", done.Load(), len(want.data.b))
				}
			})
		}
	}
}

// TestBuildInOneFile has the hash area behind the data, with bytes before and
// after it that must stay.
func TestBuildInOneFile(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(300))
	i.p.HashStartBlock = 302
	l := i.layout(t)
	file := &memory{b: append(bytes.Clone(i.data.b), bytes.Repeat([]byte{0xcc}, 8*4096)...)}
	root, err := Build(context.Background(), file, file, i.p)
	if err != nil || !bytes.Equal(root, i.root) {
		t.Fatalf("got %x, %v, want %x", root, err, i.root)
	}
	if !bytes.Equal(file.b[:len(i.data.b)], i.data.b) {
		t.Error("data was changed")
	}
	if l.HashOffset() != 302*4096 || l.HashEndOffset() != 306*4096 {
		t.Fatalf("tree: got %d to %d, want blocks 302 to 306", l.HashOffset(), l.HashEndOffset())
	}
	if !bytes.Equal(file.b[l.HashOffset():l.HashEndOffset()], i.hash.b[4096:]) {
		t.Error("tree differs from the model")
	}
	for _, outside := range [][]byte{file.b[300*4096 : 302*4096], file.b[306*4096:]} {
		if len(outside) != 2*4096 || !bytes.Equal(outside, bytes.Repeat([]byte{0xcc}, len(outside))) {
			t.Error("bytes outside the tree were changed")
		}
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	i := newImage(t, deep())
	unknown := i.p
	unknown.Algorithm = "sha257"
	for name, test := range map[string]struct {
		ctx  context.Context
		data io.ReaderAt
		hash io.WriterAt
		p    Params
		want error
		text string
	}{
		"bad parameters":  {context.Background(), i.data, &memory{}, Params{}, ErrBadParams, `looking up ""`},
		"unknown hash":    {context.Background(), i.data, &memory{}, unknown, ErrUnknownHash, `"sha257"`},
		"data cut":        {context.Background(), short(i.data, 1000), &memory{}, i.p, io.ErrUnexpectedEOF, "data: has 1000 bytes, 2097664 are needed"},
		"data unreadable": {context.Background(), &failing{i.data, 1 << 20}, &memory{}, i.p, errMedium, "reading data at offset 1048576"},
		"data shrinks":    {context.Background(), &shrinking{i.data, 1 << 20}, &memory{}, i.p, io.ErrUnexpectedEOF, "it ends at 1048576"},
		"disk full":       {context.Background(), i.data, &failing{&memory{}, deepLevel0 * 512}, i.p, errMedium, "writing hash at offset 10240"},
		"disk full later": {context.Background(), i.data, &failing{&memory{}, 0}, i.p, errMedium, "writing hash at offset 0"},
		"cancelled":       {ended, i.data, &memory{}, i.p, context.Canceled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := Build(test.ctx, test.data, test.hash, test.p)
			if root != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %x, %v, want %v with %q", root, err, test.want, test.text)
			}
		})
	}
}

// shrinking is data whose end can be read, but not what is before: it became
// shorter meanwhile.
type shrinking struct {
	*memory
	size int
}

func (s *shrinking) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 1 {
		return s.memory.ReadAt(p, off)
	}
	return short(s.memory, s.size).ReadAt(p, off)
}

// TestBuildStops ends the context while the data is being read.
func TestBuildStops(t *testing.T) {
	t.Parallel()
	for _, jobs := range []int{1, 4} {
		ctx, cancel := context.WithCancel(context.Background())
		p := params(1 << 36) // 256 TiB of zeros
		p.Jobs = jobs
		p.Progress = func(int64) { cancel() }
		root, err := Build(ctx, zeros{}, &memory{}, p)
		if root != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("build: got %x, %v, want Canceled", root, err)
		}
		ctx, cancel = context.WithCancel(context.Background())
		zero := make([]byte, 32)
		_, err = Check(ctx, zeros{}, &stopping{cancel}, p, zero)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("check: got %v, want Canceled", err)
		}
	}
}

// zeros is endless.
type zeros struct{}

func (zeros) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	return len(p), nil
}

// stopping is zeros whose reading calls something.
type stopping struct{ call func() }

func (s *stopping) ReadAt(p []byte, off int64) (int, error) {
	if len(p) > 1 {
		s.call()
	}
	return zeros{}.ReadAt(p, off)
}

func TestChunkPlan(t *testing.T) {
	t.Parallel()
	for _, jobs := range []int{1, 2, 8, 24, 25, 64, 100, 1000, math.MaxInt} {
		for size := MinBlockSize; size <= MaxBlockSize; size *= 2 {
			chunk, n := chunkPlan(size, jobs)
			if chunk%size != 0 || n < 2 || chunk*n > bufferBudget || jobs <= 96 && size <= minChunkBytes && n < jobs {
				t.Errorf("blocks of %d, %d jobs: got %d chunks of %d", size, jobs, n, chunk)
			}
		}
	}
}
