package fec

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/reedsolomon"
)

// One worker holds a window of the same columns of all 255 shards. Windows
// are small enough to stay in the second and third cache and, all workers
// together, at bufferBytes.
const (
	bufferBytes = 32 << 20
	windowMax   = 16 << 10
	windowMin   = 4 << 10

	// rowGap keeps the rows of a window from starting in the same cache sets.
	rowGap = 64
)

// workers is the number of goroutines, each with its own window.
func (p Params) workers() int {
	n := p.Jobs
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	n = min(n, bufferBytes/(codewordLen*windowMin))
	return int(min(int64(n), p.ShardBytes()/minBlockSize))
}

// windowSize is the number of columns that a worker handles at once.
func (p Params) windowSize(workers int) int {
	size := bufferBytes / codewordLen / workers
	size = min(max(size, windowMin), windowMax) &^ (minBlockSize - 1)
	return int(min(int64(size), p.ShardBytes()))
}

// eachWindow calls do for every window of columns, from several goroutines,
// each with its own buffers. It stops at the first error.
func (p Params) eachWindow(ctx context.Context, do func(w *window, column int64, n int) error) error {
	workers := p.workers()
	size := p.windowSize(workers)
	coder, err := newCoder(p.Roots, size)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			w := newWindow(p, coder, size)
			for ctx.Err() == nil {
				column := (next.Add(1) - 1) * int64(size)
				if column >= p.ShardBytes() {
					return
				}
				n := int(min(int64(size), p.ShardBytes()-column))
				if err := do(w, column, n); err != nil {
					cancel(err)
					return
				}
				if p.Progress != nil {
					p.Progress(w.covered)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// newCoder returns the bulk coder with dm-verity's matrix, for shards of size
// bytes; it may be shared between goroutines.
//
// The library takes its fastest path, GFNI over a planned split of a wide
// matrix, only when it may use more than one goroutine and the shards are
// longer than the split size. These options lead it there with one goroutine
// for a whole window.
func newCoder(roots, size int) (reedsolomon.Encoder, error) {
	coder, err := reedsolomon.New(codewordLen-roots, roots,
		reedsolomon.WithCustomMatrix(galois().parityMatrix(roots)),
		reedsolomon.WithInversionCache(false),
		reedsolomon.WithMaxGoroutines(2),
		reedsolomon.WithMinSplitSize(size-1))
	if err != nil {
		return nil, fmt.Errorf("fec: making a coder with %d roots: %w", roots, err)
	}
	return coder, nil
}

// window is the working memory of one goroutine.
type window struct {
	params  Params
	coder   reedsolomon.Encoder
	memory  []byte
	shards  [][]byte // all 255, the same columns of each
	parity  []byte   // the parity shards as the parity area has them
	stored  []byte   // what the parity area has; nil until compare
	mender  *mender  // nil until there are errors to locate
	covered int64    // bytes of the covered stream in shards
}

func newWindow(p Params, coder reedsolomon.Encoder, size int) *window {
	return &window{
		params: p,
		coder:  coder,
		memory: make([]byte, codewordLen*(size+rowGap)),
		shards: make([][]byte, codewordLen),
		parity: make([]byte, p.Roots*size),
	}
}

// cut divides the memory into 255 shards of n bytes.
func (w *window) cut(n int) {
	for i := range w.shards {
		w.shards[i] = w.memory[i*(n+rowGap):][:n:n]
	}
}

// read fills the message shards with columns [column, column+n) of the
// covered stream; what lies behind its end is zero.
func (w *window) read(src io.ReaderAt, column int64, n int) error {
	w.cut(n)
	w.covered = 0
	for i, shard := range w.shards[:w.params.Shards()] {
		have, err := w.params.readShard(src, shard, i, column)
		if err != nil {
			return err
		}
		w.covered += int64(have)
	}
	return nil
}

// readShard fills dst with columns of shard i from column on, and returns how
// many of them are inside the covered stream.
func (p Params) readShard(src io.ReaderAt, dst []byte, i int, column int64) (have int, err error) {
	at := int64(i)*p.ShardBytes() + column
	have = int(max(0, min(int64(len(dst)), p.CoveredBytes()-at)))
	clear(dst[have:])
	if have == 0 {
		return 0, nil
	}
	if n, err := src.ReadAt(dst[:have], at); n < have {
		return n, fmt.Errorf("fec: reading %d bytes of the covered stream at offset %d: %w", have, at, earlyEnd(err))
	}
	return have, nil
}

// encode computes the parity shards from the message shards.
func (w *window) encode() error {
	if err := w.coder.Encode(w.shards); err != nil {
		return fmt.Errorf("fec: encoding: %w", err)
	}
	return nil
}
