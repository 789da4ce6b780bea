package cli

import (
	"bytes"
	"context"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// rebuildTree makes the damaged tree blocks anew from the blocks below, from the
// lowest level up. Where those are damaged too the result is wrong, which the next
// check tells.
func (m *mender) rebuildTree(ctx context.Context, r *verity.Report) (changed bool, err error) {
	for level := range m.layout.Levels() {
		start := m.layout.LevelStart(level)
		whole := []verity.Range{{First: start, Last: start + m.layout.LevelBlocks(level) - 1}}
		for _, d := range common(r.Tree, whole) {
			if err := m.rebuildBlocks(ctx, level, d.First-start, d.Last-start); err != nil {
				return changed, err
			}
			if level == 0 {
				if err := m.keepDigests(d, r.Data); err != nil {
					return changed, err
				}
			}
			changed = true
		}
	}
	return changed, nil
}

// keepDigests puts the digests of damaged data that stood in rebuilt blocks of level 0
// back: they may be right where the data is not.
func (m *mender) keepDigests(rebuilt verity.Range, damaged []verity.Range) error {
	hasher, err := verity.NewHasher(m.params)
	if err != nil {
		return err
	}
	perBlock := uint64(m.layout.DigestsPerBlock())
	size := int64(m.params.HashBlockSize)
	built, stored := make([]byte, size), make([]byte, size)
	data, sum := make([]byte, m.params.DataBlockSize), make([]byte, m.layout.DigestSize())
	for b := rebuilt.First; b <= rebuilt.Last; b++ {
		child := (b - m.layout.LevelStart(0)) * perBlock
		bad := common(damaged, []verity.Range{{First: child, Last: child + perBlock - 1}})
		if len(bad) == 0 {
			continue
		}
		if err := readBlock(m.hash, built, b); err != nil {
			return err
		}
		if err := readBlock(m.baseHash, stored, b); err != nil {
			return err
		}
		for _, r := range bad {
			for c := r.First; c <= r.Last; c++ {
				if err := readBlock(m.data, data, c); err != nil {
					return err
				}
				hasher.SumBlocks(sum, data, len(data))
				for from, at := 0, 0; at >= 0; from += at + len(sum) {
					if at = bytes.Index(built[from:], sum); at >= 0 {
						copy(built[from+at:from+at+len(sum)], stored[from+at:])
					}
				}
			}
		}
		if _, err := m.hash.WriteAt(built, int64(b)*size); err != nil {
			return err
		}
	}
	return nil
}

// readBlock fills p with a block of its size.
func readBlock(r io.ReaderAt, p []byte, block uint64) error {
	off := int64(block) * int64(len(p))
	if n, err := r.ReadAt(p, off); n < len(p) {
		return ui.Failf("reading a block at offset %d: %w", off, err)
	}
	return nil
}

// rebuildBlocks makes blocks first to last of a level: a tree over their part of the
// level below has them as its lowest level. One block more is taken in front, since a
// tree over a single block has no levels.
func (m *mender) rebuildBlocks(ctx context.Context, level int, first, last uint64) error {
	p := m.params
	below, base, blocks := io.ReaderAt(m.data), int64(0), p.DataBlocks
	if level > 0 {
		p.DataBlockSize = p.HashBlockSize
		below, blocks = m.hash, m.layout.LevelBlocks(level-1)
		base = int64(m.layout.LevelStart(level-1)) * int64(p.HashBlockSize)
	}
	from := first - min(first, 1)
	perBlock := uint64(m.layout.DigestsPerBlock())
	p.DataBlocks = min(blocks, (last+1)*perBlock) - from*perBlock
	p.HashStartBlock = 0
	sub, err := verity.NewLayout(p)
	if err != nil {
		return err
	}
	size := int64(p.HashBlockSize)
	lowest := int64(sub.LevelStart(0))
	out := treePart{
		to:    m.hash,
		begin: (lowest + int64(first-from)) * size,
		end:   (lowest + int64(last-from) + 1) * size,
		by:    (int64(m.layout.LevelStart(level)+from) - lowest) * size,
	}
	_, err = verity.Build(ctx, shifted{below, base + int64(from*perBlock)*int64(p.DataBlockSize)}, out, p)
	return err
}

// treePart takes bytes begin to end of what is written, shifted by so many bytes.
type treePart struct {
	to             *ui.Overlay
	begin, end, by int64
}

// WriteAt writes whole blocks, or leaves them out.
func (t treePart) WriteAt(p []byte, off int64) (int, error) {
	begin, end := max(off, t.begin), min(off+int64(len(p)), t.end)
	if begin >= end {
		return len(p), nil
	}
	if _, err := t.to.WriteAt(p[begin-off:end-off], begin+t.by); err != nil {
		return 0, err
	}
	return len(p), nil
}
