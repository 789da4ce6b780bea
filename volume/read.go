package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	chunkSize = 4 << 20   // bytes read at a time, at multiples of itself
	readAhead = 3         // chunks in memory
	holeUnit  = 64 << 10  // holes are used in multiples of this many bytes
	window    = 256 << 20 // bytes that holes are asked for at a time
)

// ReadOptions say how [ReadRange] deals with what cannot be read.
type ReadOptions struct {
	// KeepGoing puts zeros in the place of what cannot be read and reads on.
	KeepGoing bool
	// Unit is the smallest piece in bytes that is tried when a read fails. 0
	// means what src says (a sector, a verity block, an encryption sector), or
	// 512 if it does not say.
	Unit int
	// Progress, if not nil, is told how many bytes were added to dst since the
	// last call. It is called from the goroutine of ReadRange.
	Progress func(bytes int64)
}

// check refuses a range that cannot be.
func (o ReadOptions) check(off, length int64) error {
	if off < 0 || length < 0 || off+length < off || o.Unit < 0 {
		return fmt.Errorf("volume: reading %d bytes at offset %d in units of %d: %w", length, off, o.Unit, fs.ErrInvalid)
	}
	return nil
}

// HoleWriter is a writer that can skip over zeros; see [SparseWriter].
type HoleWriter interface {
	io.Writer
	WriteHole(n int64) error // as if n zeros were written
}

// ReadRange copies length bytes at off from src to dst, reading ahead in large
// chunks while it writes. Holes that src knows of ([Extenter]) are not read,
// and not written if dst is a [HoleWriter].
//
// A part that cannot be read (an I/O error, a block that does not
// authenticate) is narrowed down to the exact sector or block of the target.
// Without KeepGoing everything before it is written and the error is a
// [*RangeError] that names it. With KeepGoing zeros are written for it and bad
// lists all such ranges, merged, in order; err is nil then. Errors of dst, of
// ctx, and those that are the caller's fault (ErrUnaligned, a range past the
// end) end the copy in any case. src is a [Mapped] or any other reader; what it
// leaves unread in p may be overwritten.
func ReadRange(ctx context.Context, src io.ReaderAt, dst io.Writer, off, length int64, o ReadOptions) (bad []Extent, err error) {
	if err := o.check(off, length); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &rangeReader{
		ctx: ctx, src: src, end: off + length, o: o,
		size: min(chunkSize, length), out: make(chan chunk), free: make(chan []byte, readAhead),
	}
	for range readAhead {
		r.free <- nil // made when first used
	}
	go r.run(off)
	defer func() { // the reader must be gone before src may be closed
		cancel()
		for range r.out {
		}
	}()
	w := &rangeWriter{dst: dst}
	for c := range r.out {
		if err := w.write(c); err != nil {
			return bad, err
		}
		if o.Progress != nil {
			o.Progress(c.length)
		}
		for _, e := range c.bad {
			bad = appendExtent(bad, e)
		}
		if c.err != nil {
			return bad, c.err
		}
		if c.data != nil {
			r.free <- c.data[:cap(c.data)]
		}
	}
	return bad, ctx.Err()
}

// chunk is a part of the range, ready to be written.
type chunk struct {
	data   []byte // nil: zeros
	length int64
	bad    []Extent // what of it is zeros because it could not be read
	err    error    // the end of the copy, after these bytes
}

// rangeReader is the reading half of ReadRange.
type rangeReader struct {
	ctx  context.Context
	src  io.ReaderAt
	end  int64
	o    ReadOptions
	size int64 // of a buffer
	out  chan chunk
	free chan []byte
}

// run sends the range from off on, until all is sent, or a chunk with an error,
// or the writer is gone.
func (r *rangeReader) run(off int64) {
	defer close(r.out)
	for off < r.end {
		to := min(r.end, off-off%window+window)
		for _, e := range r.data(off, to) {
			if !r.zeros(off, e.Offset) || !r.dense(e.Offset, e.Offset+e.Length) {
				return
			}
			off = e.Offset + e.Length
		}
		if !r.zeros(off, to) {
			return
		}
		off = to
	}
}

// data lists what of [off, to) must be read: everything but holes, in multiples
// of holeUnit. A src that fails to list its data is simply read.
func (r *rangeReader) data(off, to int64) []Extent {
	x, ok := r.src.(Extenter)
	if !ok {
		return whole(off, to-off)
	}
	known, err := x.Extents(off, to-off)
	if err != nil {
		return whole(off, to-off)
	}
	var list []Extent
	for _, e := range known {
		start := max(off, e.Offset-e.Offset%holeUnit)
		end := min(to, roundUp(e.Offset+e.Length, holeUnit))
		if n := len(list); n > 0 {
			start = max(start, list[n-1].Offset+list[n-1].Length)
		}
		if start < end {
			list = appendExtent(list, Extent{start, end - start})
		}
	}
	return list
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// zeros sends [off, to) as zeros.
func (r *rangeReader) zeros(off, to int64) bool {
	return off >= to || r.send(chunk{length: to - off})
}

// dense reads and sends [off, to).
func (r *rangeReader) dense(off, to int64) bool {
	for off < to {
		c, ok := r.lost(off, to)
		if !ok {
			c, ok = r.read(off, min(to, off-off%chunkSize+chunkSize))
		}
		if !ok || !r.send(c) || c.err != nil {
			return false
		}
		off += c.length
	}
	return true
}

// lost is the part from off on that src knows to be unreadable, if any.
func (r *rangeReader) lost(off, to int64) (chunk, bool) {
	n := min(unreadable(r.src, off), to-off)
	switch {
	case n <= 0:
		return chunk{}, false
	case !r.o.KeepGoing:
		return chunk{err: &RangeError{off, n, ErrIO}}, true
	}
	return chunk{length: n, bad: whole(off, n)}, true
}

// read reads [off, to), at most one chunk. false: nobody wants it any more.
func (r *rangeReader) read(off, to int64) (chunk, bool) {
	var buf []byte
	select {
	case buf = <-r.free:
	case <-r.ctx.Done():
		return chunk{}, false
	}
	if buf == nil {
		buf = make([]byte, r.size)
	}
	p := buf[:to-off]
	n, err := r.src.ReadAt(p, off)
	if n == len(p) {
		return chunk{data: p, length: to - off}, true
	}
	s := salvage{r: r, p: p, off: off}
	good, err := s.run(n, err)
	return chunk{data: p[:good], length: int64(good), bad: s.bad, err: err}, true
}

// send hands a chunk to the writer.
func (r *rangeReader) send(c chunk) bool {
	select {
	case r.out <- c:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// rangeWriter is the writing half of ReadRange.
type rangeWriter struct {
	dst   io.Writer
	zeros []byte
}

func (w *rangeWriter) write(c chunk) error {
	if c.data != nil {
		return w.all(c.data)
	}
	if h, ok := w.dst.(HoleWriter); ok && c.length > 0 {
		if err := h.WriteHole(c.length); err != nil {
			return fmt.Errorf("volume: writing what was read: %w", err)
		}
		return nil
	}
	if w.zeros == nil && c.length > 0 {
		w.zeros = make([]byte, holeUnit)
	}
	for left := c.length; left > 0; {
		p := upTo(w.zeros, left)
		if err := w.all(p); err != nil {
			return err
		}
		left -= int64(len(p))
	}
	return nil
}

func (w *rangeWriter) all(p []byte) error {
	n, err := w.dst.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("volume: writing what was read: %w", err)
	}
	return nil
}

// fatal says whether a read failed for a reason that lies in the question, not
// in the data: then nothing may be passed off as zeros.
func fatal(err error) bool {
	for _, e := range []error{ErrUnaligned, fs.ErrClosed, fs.ErrInvalid, errRange, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// errRange: the range ends past the end of src.
var errRange = fmt.Errorf("the range ends past the end: %w", io.ErrUnexpectedEOF)
