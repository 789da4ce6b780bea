package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/internal/dropin"
	"github.com/dmimg/dmimg/verity"
)

// mismatchBatch is how many bytes of blocks are hashed at a time.
const mismatchBatch = 1 << 20

// mismatchSearch looks for the block that veritysetup would blame. It compares from
// the data up and believes what is stored above: a damaged digest is blamed on the
// block below it. [verity.Check] goes from the root down and says what is damaged.
type mismatchSearch struct {
	params     verity.Params
	layout     verity.Layout
	data, hash io.ReaderAt
	hasher     verity.BatchHasher
	digests    []byte
}

// firstMismatch returns the first block that does not agree with the tree block above
// it, nil if all do.
func firstMismatch(ctx context.Context, data, hash io.ReaderAt, p verity.Params, l verity.Layout) (*dropin.VerityMismatch, error) {
	hasher, err := verity.NewHasher(p)
	if err != nil {
		return nil, err
	}
	m := &mismatchSearch{params: p, layout: l, data: data, hash: hash, hasher: hasher, digests: make([]byte, l.DigestsPerBlock()*l.DigestSize())}
	for level := range l.Levels() {
		for block := range l.LevelBlocks(level) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if found, err := m.under(level, block); found != nil || err != nil {
				return found, err
			}
		}
	}
	return nil, nil
}

// children says where the blocks under a level lie.
func (m *mismatchSearch) children(level int) (from io.ReaderAt, start int64, count uint64, size int) {
	if level == 0 {
		return m.data, 0, m.layout.DataBlocks(), m.params.DataBlockSize
	}
	size = m.params.HashBlockSize
	return m.hash, int64(m.layout.LevelStart(level-1)) * int64(size), m.layout.LevelBlocks(level - 1), size
}

// under compares one tree block with the blocks under it.
func (m *mismatchSearch) under(level int, block uint64) (*dropin.VerityMismatch, error) {
	stored := make([]byte, m.params.HashBlockSize)
	at := int64(m.layout.LevelStart(level)+block) * int64(len(stored))
	if err := readFull(m.hash, stored, at); err != nil {
		return nil, err
	}
	from, start, count, size := m.children(level)
	perBlock := uint64(m.layout.DigestsPerBlock())
	first := block * perBlock
	n := int(min(perBlock, count-first))
	if err := m.sum(from, start+int64(first)*int64(size), n, size); err != nil {
		return nil, err
	}
	digest, stride := m.layout.DigestSize(), m.layout.DigestSize()
	if m.params.HashType != 0 {
		stride = len(stored) / int(perBlock) // padded to a power of two
	}
	for i := range n {
		slot := stored[i*stride : (i+1)*stride]
		switch {
		case !bytes.Equal(slot[:digest], m.digests[i*digest:(i+1)*digest]):
			return &dropin.VerityMismatch{Position: start + (int64(first)+int64(i))*int64(size)}, nil
		case !isZeros(slot[digest:]):
			return &dropin.VerityMismatch{Spare: true, Position: at + int64(i*stride+digest)}, nil
		}
	}
	if !isZeros(stored[n*stride:]) {
		return &dropin.VerityMismatch{Spare: true, Position: at + int64(n*stride)}, nil
	}
	return nil, nil
}

// sum hashes n blocks from off on into m.digests.
func (m *mismatchSearch) sum(from io.ReaderAt, off int64, n, size int) error {
	batch := max(1, mismatchBatch/size)
	buf := make([]byte, min(n, batch)*size)
	for done := 0; done < n; done += batch {
		blocks := buf[:min(batch, n-done)*size]
		if err := readFull(from, blocks, off+int64(done)*int64(size)); err != nil {
			return err
		}
		m.hasher.SumBlocks(m.digests[done*m.layout.DigestSize():], blocks, size)
	}
	return nil
}

// readFull fills p from offset off.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		return fmt.Errorf("reading %d bytes at offset %d: %w", len(p), off, err)
	}
	return nil
}

func isZeros(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }
