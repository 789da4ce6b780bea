package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// convertChunk is how many bytes are read, converted and written at a time: small
// enough to stay in a core's cache on the way.
const convertChunk = 256 << 10

// conversion is a run of sectors on its way from an input to an output. Memory is
// a chunk or two for each core; nothing is allocated for a chunk.
type conversion struct {
	unit      int // bytes of an encryption sector
	jobs      int // 0: all cores
	in        *ui.Input
	inOffset  int64
	outOffset int64
	length    int64 // bytes; -1: to the end of a stream
	convert   func(dst, src []byte, sector uint64)
	progress  *ui.Progress
}

func (c *conversion) workers() int {
	if c.jobs > 0 {
		return c.jobs
	}
	return runtime.GOMAXPROCS(0)
}

// parallel converts between places that can be read and written anywhere: every
// worker takes the next chunk, reads, converts and writes it.
func (c *conversion) parallel(ctx context.Context, out io.WriterAt) error {
	var (
		next   atomic.Int64
		wait   sync.WaitGroup
		first  sync.Once
		failed error
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	chunks := (c.length + convertChunk - 1) / convertChunk
	for range min(int64(c.workers()), chunks) {
		wait.Go(func() {
			buf := make([]byte, convertChunk)
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= chunks {
					return
				}
				if err := c.chunk(out, buf, i*convertChunk); err != nil {
					first.Do(func() { failed = err })
					cancel()
				}
			}
		})
	}
	wait.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

// chunk converts the bytes from off on that fit buf.
func (c *conversion) chunk(out io.WriterAt, buf []byte, off int64) error {
	buf = buf[:min(convertChunk, c.length-off)]
	if n, err := c.in.ReadAt(buf, c.inOffset+off); n < len(buf) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading %s at offset %d: %w", c.in.Name(), c.inOffset+off+int64(n), err)
	}
	c.convert(buf, buf, uint64(off)/512)
	if _, err := out.WriteAt(buf, c.outOffset+off); err != nil {
		return err
	}
	c.progress.Add(int64(len(buf)))
	return nil
}

// piece is a chunk on its way through stream.
type piece struct {
	buf    []byte
	n      int
	sector uint64
	err    error // after the n bytes; io.EOF at the end
	ready  chan struct{}
}

// stream converts in order: one goroutine reads, several convert, this one writes.
func (c *conversion) stream(ctx context.Context, out io.Writer) error {
	r, err := c.in.Reader(c.inOffset, c.length)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	free, order := c.pieces(), make(chan *piece, 2*c.workers())
	wait.Go(func() { c.readPieces(ctx, r, free, order) })
	total := int64(0)
	for {
		var p *piece
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p = <-order:
		}
		<-p.ready
		if _, err := out.Write(p.buf[:p.n-p.n%c.unit]); err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
		total += int64(p.n)
		c.progress.Add(int64(p.n))
		if p.err != nil {
			return c.endOfStream(p, total)
		}
		free <- p
	}
}

// pieces makes the buffers: two for each worker.
func (c *conversion) pieces() chan *piece {
	n := 2 * c.workers()
	free := make(chan *piece, n)
	for range n {
		free <- &piece{buf: make([]byte, convertChunk), ready: make(chan struct{}, 1)}
	}
	return free
}

// readPieces reads until the end or an error, which the last piece carries.
func (c *conversion) readPieces(ctx context.Context, r io.Reader, free, order chan *piece) {
	for off := int64(0); ; {
		var p *piece
		select {
		case <-ctx.Done():
			return
		case p = <-free:
		}
		n, err := io.ReadFull(r, p.buf)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if err == nil && c.length >= 0 && off+int64(n) == c.length {
			err = io.EOF
		}
		p.n, p.err, p.sector = n, err, uint64(off)/512
		off += int64(n)
		last := err != nil
		order <- p
		go c.convertPiece(p)
		if last {
			return
		}
	}
}

// convertPiece converts the whole sectors of p.
func (c *conversion) convertPiece(p *piece) {
	whole := p.n - p.n%c.unit
	c.convert(p.buf[:whole], p.buf[:whole], p.sector)
	p.ready <- struct{}{}
}

// endOfStream judges how a stream ended.
func (c *conversion) endOfStream(last *piece, total int64) error {
	switch {
	case !errors.Is(last.err, io.EOF):
		return fmt.Errorf("reading %s: %w", describeRange(c.in, c.inOffset+total), last.err)
	case c.length >= 0 && total < c.length:
		return ui.Failf("%s ended after %d of %d bytes", c.in.Name(), total, c.length)
	case total%int64(c.unit) != 0:
		return raggedSectors(c.in.Name(), total, int64(c.unit))
	}
	return nil
}
