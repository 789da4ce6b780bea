package verity

import (
	"context"
	"fmt"
	"io"
)

// Build hashes p.DataBlocks blocks of data, writes the tree to hash and returns
// the root hash. It writes the tree only, not the superblock: bytes of the hash
// device outside [Layout.HashOffset] to [Layout.HashEndOffset] stay as they
// are. data and hash may be the same file as long as these areas are apart.
//
// Reading and hashing overlap and use p.Jobs cores; data must allow concurrent
// reads, as every io.ReaderAt does. Memory does not depend on the size of the
// image. When ctx ends, Build returns soon with its error; a tree half written
// is left behind, as after every other error.
//
// Errors wrap [ErrBadParams], io.ErrUnexpectedEOF when data is too short, or
// what data and hash returned.
func Build(ctx context.Context, data io.ReaderAt, hash io.WriterAt, p Params) ([]byte, error) {
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	src := dataSource(data, &l)
	if err := src.probe(); err != nil {
		return nil, fmt.Errorf("verity: building tree: %w", err)
	}
	root, err := buildAbove(ctx, src, hash, &l, p, 0)
	if err != nil {
		return nil, fmt.Errorf("verity: building tree: %w", err)
	}
	return root, nil
}

// buildAbove builds the levels from lowest on over src, whose blocks are those
// of the level below.
func buildAbove(ctx context.Context, src *source, hash io.WriterAt, l *Layout, p Params, lowest int) ([]byte, error) {
	tree, err := newTreeBuilder(l, hash, p, lowest)
	if err != nil {
		return nil, err
	}
	h, err := newChunkHasher(l, p, src.blockSize, tree, lowest)
	if err != nil {
		return nil, err
	}
	if err := h.hashAll(ctx, src); err != nil {
		return nil, err
	}
	return tree.finish(lowest)
}

// hashAll runs all blocks of src through h.
func (h *chunkHasher) hashAll(ctx context.Context, src *source) error {
	var failed error
	holes := newHoleMap(src.r)
	for block := uint64(0); block < src.blocks && failed == nil; block += uint64(h.chunkBlocks) {
		c, err := h.ring.next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			failed = err
			break
		}
		c.src, c.first = src, block
		c.count = int(min(src.blocks-block, uint64(h.chunkBlocks)))
		c.hole = holes.covers(src.offset(block), int64(c.count)*int64(h.blockSize))
		h.ring.start()
	}
	if err := h.ring.drain(); err != nil {
		return err
	}
	return failed
}
