package verity

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// ChangedBlocks compares two images and lists the data blocks of p that differ,
// in ascending order and merged. Where both are [HoleFinder]s, what is a hole in
// both is not read. With more than some hundred thousand separate runs, blocks
// between neighbouring ones are listed too, so that memory does not depend on
// the images.
//
// Reading and comparing use p.Jobs cores; p.Progress is told about bytes
// compared. Errors wrap [ErrBadParams], io.ErrUnexpectedEOF when an image has
// fewer blocks, or what the readers and ctx returned.
func ChangedBlocks(ctx context.Context, old, data io.ReaderAt, p Params) ([]Range, error) {
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	c := &comparer{old: dataSource(old, &l), data: dataSource(data, &l), progress: p.progress}
	c.old.what = "old data"
	for _, src := range []*source{c.old, c.data} {
		if err := src.probe(); err != nil {
			return nil, fmt.Errorf("verity: comparing images: %w", err)
		}
	}
	if err := c.run(ctx, p); err != nil {
		return nil, fmt.Errorf("verity: comparing images: %w", err)
	}
	return c.found.ranges, nil
}

// comparer is one call of ChangedBlocks.
type comparer struct {
	old, data *source
	progress  func(bytes int64)
	found     joinedRanges
}

// comparePiece is a run of blocks that is compared at once.
type comparePiece struct {
	comparer *comparer
	first    uint64
	count    int
	a, b     []byte
	differ   []Range
	err      error
}

func (c *comparer) run(ctx context.Context, p Params) error {
	size, count := chunkPlan(p.DataBlockSize, p.jobs())
	pieces := make([]*comparePiece, max(1, count/2)) // each has two buffers
	for i := range pieces {
		pieces[i] = &comparePiece{comparer: c}
	}
	r := newRing(pieces, (*comparePiece).run, c.collect)
	err := c.hand(ctx, r, size/p.DataBlockSize)
	if drained := r.drain(); drained != nil {
		return drained
	}
	return err
}

// hand hands out all blocks but those in holes.
func (c *comparer) hand(ctx context.Context, r *ring[comparePiece], blocks int) error {
	oldHoles, dataHoles := newHoleMap(c.old.r), newHoleMap(c.data.r)
	for first := uint64(0); first < c.data.blocks; {
		n := int(min(c.data.blocks-first, uint64(blocks)))
		off, size := c.data.offset(first), int64(n)*int64(c.data.blockSize)
		if oldHoles.covers(off, size) && dataHoles.covers(off, size) {
			c.progress(size)
			first += uint64(n)
			continue
		}
		piece, err := r.next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		piece.first, piece.count = first, n
		r.start()
		first += uint64(n)
	}
	return nil
}

// run compares one piece; it is what the goroutines do.
func (p *comparePiece) run() {
	size := p.comparer.data.blockSize
	p.differ = p.differ[:0]
	a, b := grow(&p.a, p.count*size), grow(&p.b, p.count*size)
	if p.err = p.comparer.old.read(a, p.first); p.err != nil {
		return
	}
	if p.err = p.comparer.data.read(b, p.first); p.err != nil || bytes.Equal(a, b) {
		return
	}
	for i := range p.count {
		if bytes.Equal(a[i*size:][:size], b[i*size:][:size]) {
			continue
		}
		block := p.first + uint64(i)
		if n := len(p.differ); n > 0 && p.differ[n-1].Last+1 == block {
			p.differ[n-1].Last = block
		} else {
			p.differ = append(p.differ, Range{block, block})
		}
	}
}

// collect takes over what a finished piece found.
func (c *comparer) collect(p *comparePiece) error {
	if p.err != nil {
		return p.err
	}
	for _, r := range p.differ {
		c.found.add(r)
	}
	c.progress(int64(p.count) * int64(c.data.blockSize))
	return nil
}

// joinedRanges collects ranges that arrive in ascending order, maxRanges at most:
// with more it joins those that are near each other, and from then on all that
// are as near.
type joinedRanges struct {
	ranges []Range
	gap    uint64 // blocks between two ranges that are joined
	limit  int    // 0: maxRanges
}

// add appends a range.
func (j *joinedRanges) add(r Range) {
	n := len(j.ranges)
	if n > 0 && r.First-j.ranges[n-1].Last-1 <= j.gap {
		j.ranges[n-1].Last = r.Last
		return
	}
	limit := maxRanges
	if j.limit > 0 {
		limit = j.limit
	}
	for len(j.ranges) >= limit {
		j.gap = 2*j.gap + 1
		j.ranges = joined(j.ranges, j.gap)
	}
	if n = len(j.ranges); n > 0 && r.First-j.ranges[n-1].Last-1 <= j.gap {
		j.ranges[n-1].Last = r.Last
		return
	}
	j.ranges = append(j.ranges, r)
}
