package verity

import "context"

// checker walks the upper part of a tree and hands the lower part out in pieces
// to goroutines.
type checker struct {
	ctx      context.Context
	layout   *Layout
	main     *walker // for the upper part, and where all findings end up
	ring     *ring[checkTask]
	holes    *holeMap
	progress func(bytes int64)
	size     int64 // of a piece, in bytes of data
}

// checkTask is a piece of the tree: some blocks of one level and all below.
type checkTask struct {
	walker *walker
	job    checkJob
	level  int
	first  uint64
	// want are the digests that the blocks must have, for verifyJob; the
	// goroutine's own copy.
	want []byte
	// stored and restored receive digests, for sumJob and estimateJob.
	stored, restored []byte
	err              error
}

// checkJob is what is to be done with a piece.
type checkJob int

const (
	verifyJob   checkJob = iota // compare with known digests, all the way down
	sumJob                      // hash the blocks as stored
	estimateJob                 // and what they should be, judging by what is below
)

func newChecker(ctx context.Context, nodes *nodeReader, p Params) (*checker, error) {
	l := nodes.layout
	c := &checker{
		ctx: ctx, layout: l, holes: newHoleMap(nodes.data.r),
		progress: p.progress, size: int64(max(chunkBytes, l.dataBlockSize)),
	}
	n := chunkCount(int(c.size), p.jobs())
	hashers, err := newDataHashers(p, n+1)
	if err != nil {
		return nil, err
	}
	g := make(gate, p.jobs())
	c.main = newWalker(nodes, hashers[n], g)
	c.main.below, c.main.lost = c, c.progress
	tasks := make([]*checkTask, n)
	for i := range tasks {
		w := newWalker(nodes, hashers[i], g)
		w.below = w
		tasks[i] = &checkTask{walker: w}
	}
	c.ring = newRing(tasks, (*checkTask).run, c.collect)
	return c, nil
}

// run does one piece; it is what the goroutines do.
func (t *checkTask) run() {
	switch t.job {
	case verifyJob:
		t.err = t.walker.verify(t.level, t.first, t.want)
	case sumJob:
		t.err = t.walker.sums(t.level, t.first, t.stored)
	case estimateJob:
		t.err = t.walker.estimate(t.level, t.first, t.stored, t.restored)
	}
}

// collect takes over what a finished piece found.
func (c *checker) collect(t *checkTask) error {
	if t.err != nil {
		return t.err
	}
	if t.job == verifyJob {
		_, n := c.layout.dataUnder(t.level, t.first, uint64(len(t.want)/c.layout.digestSize))
		c.progress(int64(n) * int64(c.layout.dataBlockSize))
	}
	c.main.found.take(&t.walker.found)
	return nil
}

// verify implements lower: it hands out what is small enough and descends into
// the rest.
func (c *checker) verify(level int, first uint64, want []byte) error {
	if c.layout.spanBytes(level) <= c.size {
		return c.hand(verifyJob, level, first, want, nil, nil)
	}
	for ; len(want) > 0; first, want = first+1, want[c.layout.digestSize:] {
		if err := c.main.verify(level, first, want[:c.layout.digestSize]); err != nil {
			return err
		}
	}
	return nil
}

// sums implements lower.
func (c *checker) sums(level int, first uint64, out []byte) error {
	if err := c.hand(sumJob, level, first, out, out, nil); err != nil {
		return err
	}
	return c.ring.drain()
}

// estimate implements lower.
func (c *checker) estimate(level int, first uint64, stored, restored []byte) error {
	if c.layout.spanBytes(level) <= c.size {
		if err := c.hand(estimateJob, level, first, stored, stored, restored); err != nil {
			return err
		}
		return c.ring.drain()
	}
	return c.main.estimate(level, first, stored, restored)
}

// settle implements lower: it waits for all pieces, so that findings stay in
// order.
func (c *checker) settle() error { return c.ring.drain() }

// hand gives blocks of a level to goroutines, as many at a time as make up a
// piece. digests has one digest for each block; want is a copy of it, stored
// and restored are parts of the arguments.
func (c *checker) hand(job checkJob, level int, first uint64, digests, stored, restored []byte) error {
	size := c.layout.digestSize
	n := int(c.size / c.layout.spanBytes(level))
	if job == sumJob {
		n = int(c.size) / c.layout.nodeSize(level)
	}
	for n = max(n, 1); len(digests) > 0; first += uint64(n) {
		t, err := c.ring.next()
		if err == nil {
			err = c.ctx.Err()
		}
		if err != nil {
			return err
		}
		now := min(len(digests), n*size)
		t.job, t.level, t.first = job, level, first
		t.want = append(t.want[:0], digests[:now]...)
		t.stored, stored = cut(stored, now)
		t.restored, restored = cut(restored, now)
		data, blocks := c.layout.dataUnder(level, first, uint64(now/size))
		t.walker.hole = c.holes.covers(c.layout.nodeOffset(-1, data), int64(blocks)*int64(c.layout.dataBlockSize))
		digests = digests[now:]
		c.ring.start()
	}
	return nil
}

// cut splits b after n bytes; nil stays nil.
func cut(b []byte, n int) (head, tail []byte) {
	if b == nil {
		return nil, nil
	}
	return b[:n], b[n:]
}
