package verity

import (
	"context"
	"fmt"
	"io"
	"io/fs"
)

// moveBytes is how much of a tree is moved at a time.
const moveBytes = 1 << 20

// ReadWriterAt is what [NewWriter] needs of a hash device.
type ReadWriterAt interface {
	io.ReaderAt
	io.WriterAt
}

// Tail says what a [Writer] does with data that does not end with a whole
// block.
type Tail int

const (
	TailError    Tail = iota // Finish fails with ErrRagged
	TailPad                  // zeros make the last block whole
	TailTruncate             // the last, partial block is left out
)

// WriterOptions change what a [Writer] does. The zero value is fine.
type WriterOptions struct {
	Tail Tail
}

// Writer makes a hash tree from data that streams through it once, such as a
// pipe. It keeps the tree on the hash device and only a few blocks in memory.
// Its methods must not be called concurrently. A Writer that is given up needs
// no closing.
type Writer struct {
	params Params
	layout Layout
	hash   ReadWriterAt
	tail   Tail
	tree   *treeBuilder
	hasher *chunkHasher
	chunk  *chunk // being filled; nil: none
	filled int    // bytes of it
	blocks uint64 // in the chunks before
	err    error
}

// NewWriter makes a Writer with the default options. See
// [NewWriterWithOptions].
func NewWriter(hash ReadWriterAt, p Params) (*Writer, error) {
	return NewWriterWithOptions(hash, p, WriterOptions{})
}

// NewWriterWithOptions makes a Writer that puts its tree on hash, at
// p.HashStartBlock. With p.DataBlocks 0 it takes as much data as comes: where
// the levels go is only known at the end, so level 0 is first written at the
// start of the tree, then moved, and the levels above are made from it. Progress
// is told about data as it is hashed. The error wraps [ErrBadParams].
func NewWriterWithOptions(hash ReadWriterAt, p Params, o WriterOptions) (*Writer, error) {
	w := &Writer{params: p, hash: hash, tail: o.Tail}
	if o.Tail < TailError || o.Tail > TailTruncate {
		return nil, badParams("tail %d", o.Tail)
	}
	w.params.Salt = append([]byte(nil), p.Salt...)
	var err error
	if p.DataBlocks == 0 {
		w.layout, err = newOpenLayout(p)
	} else {
		w.layout, err = NewLayout(p)
	}
	if err != nil {
		return nil, err
	}
	if w.tree, err = newTreeBuilder(&w.layout, hash, w.params, 0); err != nil {
		return nil, err
	}
	w.tree.open = p.DataBlocks == 0
	if w.hasher, err = newChunkHasher(&w.layout, w.params, p.DataBlockSize, w.tree, 0); err != nil {
		return nil, err
	}
	return w, nil
}

// Write implements io.Writer. b is copied. Errors come from the hash device,
// maybe late; after one all calls fail with it. When p.DataBlocks was given,
// more data than that is io.ErrShortWrite.
func (w *Writer) Write(b []byte) (n int, err error) {
	for len(b) > n && w.err == nil {
		if w.chunk == nil {
			w.take()
			continue
		}
		done := copy(w.chunk.buf[w.filled:], b[n:])
		n += done
		w.filled += done
		if w.filled == len(w.chunk.buf) {
			w.start(w.filled / w.params.DataBlockSize)
		}
	}
	return n, w.err
}

// take makes a chunk ready for data.
func (w *Writer) take() {
	limit := uint64(w.hasher.chunkBlocks)
	if w.params.DataBlocks != 0 {
		limit = min(limit, w.params.DataBlocks-w.blocks)
	}
	if limit == 0 {
		w.err = fmt.Errorf("verity: writing: data goes on after %d blocks of %d bytes: %w",
			w.params.DataBlocks, w.params.DataBlockSize, io.ErrShortWrite)
		return
	}
	c, err := w.hasher.ring.next()
	if err != nil {
		w.err = fmt.Errorf("verity: writing: %w", err)
		return
	}
	grow(&c.buf, int(limit)*w.params.DataBlockSize)
	w.chunk, w.filled = c, 0
}

// start hands the first blocks of the chunk over to be hashed.
func (w *Writer) start(blocks int) {
	w.chunk.count = blocks
	w.hasher.ring.start()
	w.blocks += uint64(blocks)
	w.chunk, w.filled = nil, 0
}

// Finish ends the data, completes the tree and returns the root hash, together
// with the parameters of the tree: those given, with DataBlocks as counted. The
// Writer is of no use afterwards.
//
// Errors wrap [ErrRagged] (see [Tail]), [ErrBadParams] for no data at all,
// io.ErrUnexpectedEOF for fewer blocks than p.DataBlocks, or what the hash
// device returned. When ctx ends, Finish returns soon with its error.
func (w *Writer) Finish(ctx context.Context) (root []byte, done Params, err error) {
	if w.err == nil {
		w.err = w.end(ctx)
	}
	if drained := w.hasher.ring.drain(); w.err == nil && drained != nil {
		w.err = fmt.Errorf("verity: writing: %w", drained)
	}
	if w.err != nil {
		return nil, Params{}, w.err
	}
	done = w.params
	done.DataBlocks = w.blocks
	done.Salt = append([]byte(nil), w.params.Salt...)
	if root, err = w.complete(ctx, done); err != nil {
		w.err = fmt.Errorf("verity: writing: %w", err)
		return nil, Params{}, w.err
	}
	w.err = fmt.Errorf("verity: writing: already finished: %w", fs.ErrClosed)
	return root, done, nil
}

// end deals with the last, partial chunk and the count of blocks.
func (w *Writer) end(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("verity: writing: %w", err)
	}
	size := w.params.DataBlockSize
	blocks, rest := w.filled/size, w.filled%size
	if rest != 0 {
		switch w.tail {
		case TailPad:
			clear(w.chunk.buf[w.filled : (blocks+1)*size])
			blocks++
		case TailTruncate:
		default:
			return fmt.Errorf("verity: writing: %d bytes after %d blocks of %d: %w", rest, w.blocks+uint64(blocks), size, ErrRagged)
		}
	}
	if blocks > 0 {
		w.start(blocks)
	}
	switch {
	case w.blocks == 0:
		return fmt.Errorf("verity: writing: 0 data blocks: %w", ErrBadParams)
	case w.params.DataBlocks != 0 && w.blocks != w.params.DataBlocks:
		return fmt.Errorf("verity: writing: data ends after %d of %d blocks: %w", w.blocks, w.params.DataBlocks, io.ErrUnexpectedEOF)
	}
	return nil
}

// complete writes what is left of the tree.
func (w *Writer) complete(ctx context.Context, p Params) ([]byte, error) {
	if !w.tree.open {
		return w.tree.finish(0)
	}
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	if len(l.levels) == 0 {
		return w.tree.root, nil
	}
	if err := w.tree.flush(0); err != nil {
		return nil, err
	}
	if err := w.moveLevel0(ctx, &l); err != nil {
		return nil, err
	}
	return buildAbove(ctx, hashSource(w.hash, &l, 0), w.hash, &l, p, 1)
}

// moveLevel0 moves level 0 from the start of the tree to its place in l, from
// the end backwards because the places overlap.
func (w *Writer) moveLevel0(ctx context.Context, l *Layout) error {
	if l.levels[0].start == w.layout.levels[0].start {
		return nil
	}
	src := hashSource(w.hash, &w.layout, 0)
	src.blocks = l.levels[0].blocks
	atOnce := uint64(max(1, moveBytes/l.hashBlockSize))
	buf := make([]byte, int(min(atOnce, src.blocks))*l.hashBlockSize)
	for end := src.blocks; end > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(atOnce, end)
		end -= n
		part := buf[:int(n)*l.hashBlockSize]
		if err := src.read(part, end); err != nil {
			return err
		}
		off := l.nodeOffset(0, end)
		if _, err := w.hash.WriteAt(part, off); err != nil {
			return fmt.Errorf("writing hash at offset %d: %w", off, err)
		}
	}
	return nil
}
