package verity

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
)

// source is a run of equal blocks on a reader.
type source struct {
	r         io.ReaderAt
	what      string // "data" or "hash", for errors
	off       int64  // of block 0, in bytes
	blockSize int
	blocks    uint64
}

// dataSource is the data that a tree covers.
func dataSource(r io.ReaderAt, l *Layout) *source {
	return &source{r: r, what: "data", blockSize: l.dataBlockSize, blocks: l.dataBlocks}
}

// hashSource is the blocks of one level of a tree.
func hashSource(r io.ReaderAt, l *Layout, level int) *source {
	return &source{
		r: r, what: "hash", off: l.nodeOffset(level, 0),
		blockSize: l.hashBlockSize, blocks: l.levels[level].blocks,
	}
}

// end is the first byte after the source.
func (s *source) end() int64 { return s.off + int64(s.blocks)*int64(s.blockSize) }

// offset is the first byte of a block.
func (s *source) offset(block uint64) int64 { return s.off + int64(block)*int64(s.blockSize) }

// read fills buf, whole blocks, from block on.
func (s *source) read(buf []byte, block uint64) error {
	off := s.offset(block)
	n, err := s.r.ReadAt(buf, off)
	if n == len(buf) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("reading %s at offset %d: it ends at %d, %d bytes are needed: %w",
			s.what, off, off+int64(n), s.end(), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("reading %s at offset %d: %w", s.what, off+int64(n), err)
}

// probe reports a reader that ends before the source does, with both sizes. It
// reads single bytes only.
func (s *source) probe() error {
	var b [1]byte
	readable := func(off int64) bool {
		n, err := s.r.ReadAt(b[:], off)
		return n == 1 || err != nil && !errors.Is(err, io.EOF)
	}
	end := s.end()
	if end == 0 || readable(end-1) {
		return nil
	}
	size := sort.Search(int(min(end, math.MaxInt)), func(i int) bool { return !readable(int64(i)) })
	return fmt.Errorf("reading %s: has %d bytes, %d are needed: %w", s.what, size, end, io.ErrUnexpectedEOF)
}
