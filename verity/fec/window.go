package fec

import (
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/reedsolomon"
)

// Windows are small enough to stay in the second and third cache. What all
// goroutines have together is near bufferBytes.
const (
	bufferBytes = 20 << 20
	windowMax   = 16 << 10
	windowMin   = 4 << 10

	// rowGap keeps rows from starting in the same cache sets.
	rowGap = 64
)

// workers is the number of goroutines, each with its own window or strip.
func (p Params) workers() int {
	n := p.Jobs
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	n = min(n, bufferBytes/(codewordLen*windowMin))
	return int(min(int64(n), p.ShardBytes()/minBlockSize))
}

// window is working memory for finding errors: the same columns of all 255
// shards.
type window struct {
	params Params
	coder  reedsolomon.Encoder
	memory []byte
	shards [][]byte
	parity []byte  // the parity shards as the parity area has them
	stored []byte  // what the parity area has; nil until it is read
	mender *mender // nil until there are errors to locate
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
	for i, shard := range w.shards[:w.params.Shards()] {
		if _, err := w.params.readShard(src, shard, i, column); err != nil {
			return err
		}
	}
	return nil
}

// readShard fills dst with columns of shard i from column on, and returns how
// many of them are inside the covered stream.
func (p Params) readShard(src io.ReaderAt, dst []byte, i int, column int64) (have int, err error) {
	at := p.offset(i, column)
	have = p.inside(i, column, len(dst))
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
