package volume

import (
	"context"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"sync"

	"github.com/dmimg/dmimg/tables"
)

// copyPiece is how many bytes a worker of [CopyRange] reads and writes at a time, at
// multiples of itself: few enough to stay in a core's cache between the two.
const copyPiece = 128 << 10

// CopyRange is [ReadRange] for a destination that can be written anywhere, on
// all cores: each reads a piece, decrypts or checks it, and writes it. dst must
// be new and empty; it becomes length bytes long, with holes where src has them
// or zeros.
//
// Pieces are written in no order. With an error, which is then that of the
// lowest offset, what dst holds is of no use. Progress of o is told from several
// goroutines, one at a time.
func CopyRange(ctx context.Context, src io.ReaderAt, dst SparseFile, off, length int64, o ReadOptions) (bad []Extent, err error) {
	if err := o.check(off, length); err != nil {
		return nil, err
	}
	if err := dst.Truncate(length); err != nil {
		return nil, fmt.Errorf("volume: making room for what is read: %w", err)
	}
	c := &copying{
		rangeReader: rangeReader{ctx: ctx, src: src, end: off + length, o: o},
		dst:         dst, start: off, at: off, to: off, failed: math.MaxInt64,
	}
	var workers sync.WaitGroup
	for range min(int64(runtime.GOMAXPROCS(0)), length/copyPiece+1) {
		workers.Go(c.work)
	}
	workers.Wait()
	if c.err != nil {
		return nil, c.err
	}
	return c.badRanges(), ctx.Err()
}

// copying is the work of CopyRange.
type copying struct {
	rangeReader
	dst   SparseFile
	start int64 // of the range; the start of dst

	mu     sync.Mutex
	at     int64    // up to here pieces were handed out
	to     int64    // up to here data is known
	dense  []Extent // of [at, to), what is to be read
	bad    []Extent // in no order
	failed int64    // where err is
	err    error
}

// work moves pieces until none is left, or one failed.
func (c *copying) work() {
	var buf []byte
	for {
		off, to, ok := c.next()
		if !ok {
			return
		}
		if n := int(to - off); cap(buf) < n {
			buf = make([]byte, max(n, copyPiece))
		}
		c.piece(buf[:to-off], off)
	}
}

// piece moves the bytes at off through p.
func (c *copying) piece(p []byte, off int64) {
	s := salvage{r: &c.rangeReader, p: p, off: off}
	n, err := c.src.ReadAt(p, off)
	if n == len(p) {
		err = nil
	} else {
		_, err = s.run(n, err)
	}
	if err == nil {
		if err = writeSparse(c.dst, p, off-c.start); err != nil {
			err = fmt.Errorf("volume: writing what was read: %w", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.fail(off, err)
		return
	}
	c.bad = append(c.bad, s.bad...)
	c.progress(int64(len(p)))
}

// next hands out the next piece to read.
func (c *copying) next() (off, to int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.err == nil && c.ctx.Err() == nil {
		if len(c.dense) == 0 {
			c.pass(c.to - c.at)
			if c.at == c.end {
				break
			}
			c.to = min(c.end, c.at-c.at%window+window)
			c.dense = c.data(c.at, c.to)
			continue
		}
		c.pass(c.dense[0].Offset - c.at)
		if n := min(unreadable(c.src, c.at), c.dense[0].Length); n > 0 {
			c.lose(n)
			continue
		}
		off = c.at
		c.at += c.pieceLength(c.dense[0])
		c.trim()
		return off, c.at, true
	}
	return 0, 0, false
}

// pieceLength is how much of the start of e is a piece: no block is cut.
func (c *copying) pieceLength(e Extent) int64 {
	n := min(e.Length, copyPiece-e.Offset%copyPiece)
	last := blockAt(c.src, e.Offset+n-1, tables.SectorSize)
	return min(e.Length, max(n, last.Offset+last.Length-e.Offset))
}

// trim drops what of the first part to read lies before at.
func (c *copying) trim() {
	e := &c.dense[0]
	if e.Offset, e.Length = c.at, e.Offset+e.Length-c.at; e.Length == 0 {
		c.dense = c.dense[1:]
	}
}

// lose gives up n bytes that are known to be unreadable.
func (c *copying) lose(n int64) {
	if !c.o.KeepGoing {
		c.fail(c.at, &RangeError{c.at, n, ErrIO})
		return
	}
	c.bad = append(c.bad, Extent{c.at, n})
	c.pass(n)
	c.trim()
}

// pass leaves n bytes out, which are zeros in dst already.
func (c *copying) pass(n int64) {
	c.at += n
	if n > 0 {
		c.progress(n)
	}
}

func (c *copying) progress(n int64) {
	if c.o.Progress != nil {
		c.o.Progress(n)
	}
}

// fail keeps the error of the lowest offset.
func (c *copying) fail(off int64, err error) {
	if off < c.failed {
		c.failed, c.err = off, err
	}
}

// badRanges is what could not be read, merged and in order.
func (c *copying) badRanges() (list []Extent) {
	slices.SortFunc(c.bad, func(a, b Extent) int {
		if a.Offset < b.Offset {
			return -1
		}
		return 1
	})
	for _, e := range c.bad {
		list = appendExtent(list, e)
	}
	return list
}
