package ui

import (
	"context"
	"errors"
	"io"
)

// streamChunk is the size in bytes of the reads of a ContextReader.
const streamChunk = 1 << 20

// ContextReader reads ahead from a stream in the background and gives up when its
// context ends, although the stream may be silent for ever. The goroutine that
// waits for the stream then ends with the stream's next byte or its end.
// One goroutine at a time may call Read.
type ContextReader struct {
	ctx   context.Context
	full  chan chunk  // read, in order
	free  chan []byte // for the next reads
	begin func()      // starts the reading, once
	now   chunk
	rest  []byte // what Read has not handed out of now.buf
}

type chunk struct {
	buf []byte
	err error // after the bytes of buf
}

// NewContextReader returns a reader of r that ends with ctx.
func NewContextReader(ctx context.Context, r io.Reader) *ContextReader {
	c := &ContextReader{ctx: ctx, full: make(chan chunk, 1), free: make(chan []byte, 2)}
	c.begin = func() {
		c.begin = nil
		c.free <- make([]byte, streamChunk)
		c.free <- make([]byte, streamChunk)
		go c.readAhead(r)
	}
	return c
}

// Read follows io.Reader; after the context has ended it returns its cause.
func (c *ContextReader) Read(p []byte) (int, error) {
	if err := c.fill(); err != nil {
		return 0, err
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// WriteTo writes everything to w, buffer by buffer, without copying.
func (c *ContextReader) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return total, err
		}
		n, err := w.Write(c.rest)
		total += int64(n)
		c.rest = c.rest[n:]
		if err != nil {
			return total, err
		}
	}
}

// fill waits until there are bytes in c.rest.
func (c *ContextReader) fill() error {
	if c.begin != nil {
		c.begin()
	}
	for len(c.rest) == 0 {
		if c.now.err != nil {
			return c.now.err
		}
		if c.now.buf != nil {
			c.free <- c.now.buf[:cap(c.now.buf)]
			c.now.buf = nil
		}
		select {
		case <-c.ctx.Done():
			return context.Cause(c.ctx)
		case c.now = <-c.full:
			c.rest = c.now.buf
		}
	}
	return nil
}

// readAhead fills buffers until the stream or the context ends.
func (c *ContextReader) readAhead(r io.Reader) {
	for {
		var buf []byte
		select {
		case <-c.ctx.Done():
			return
		case buf = <-c.free:
		}
		n, err := r.Read(buf)
		select {
		case <-c.ctx.Done():
			return
		case c.full <- chunk{buf[:n], err}:
		}
		if err != nil {
			return
		}
	}
}
