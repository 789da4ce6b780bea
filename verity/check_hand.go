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
	first  uint64 // block of the level
	blocks uint64
	// digests is how many bytes the digests of the blocks take.
	digests int
	// want are the digests that the blocks must have, for verifyJob; the
	// goroutine's own copy.
	want    []byte
	sums    []byte  // where the result of sumJob goes
	guesses guesses // and that of estimateJob
	err     error
}

// checkJob is what is to be done with a piece.
type checkJob int

const (
	verifyJob   checkJob = iota // compare with known digests, all the way down
	sumJob                      // hash the blocks as stored
	estimateJob                 // guess what their digests should be
)

func newChecker(ctx context.Context, nodes *nodeReader, p Params) (*checker, error) {
	l := nodes.layout
	size, n := chunkPlan(l.dataBlockSize, p.jobs())
	c := &checker{
		ctx: ctx, layout: l, holes: newHoleMap(nodes.data.r),
		progress: p.progress, size: int64(size),
	}
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
		t.err = t.walker.sums(t.level, t.first, t.sums)
	case estimateJob:
		t.err = t.walker.estimate(t.level, t.first, t.guesses)
	}
}

// collect takes over what a finished piece found.
func (c *checker) collect(t *checkTask) error {
	if t.err != nil {
		return t.err
	}
	if t.job == verifyJob {
		_, n := c.layout.dataUnder(t.level, t.first, t.blocks)
		c.progress(int64(n) * int64(c.layout.dataBlockSize))
	}
	c.main.found.take(&t.walker.found)
	return nil
}

// verify implements lower: it hands out what is small enough and descends into
// the rest.
func (c *checker) verify(level int, first uint64, want []byte) error {
	size := c.layout.digestSize
	if c.layout.spanBytes(level) > c.size {
		for ; len(want) > 0; first, want = first+1, want[size:] {
			if err := c.main.verify(level, first, want[:size]); err != nil {
				return err
			}
		}
		return nil
	}
	for len(want) > 0 {
		t, err := c.task(verifyJob, level, first, min(c.pieceDigests(level), len(want)))
		if err != nil {
			return err
		}
		t.want = append(t.want[:0], want[:t.digests]...)
		want = want[t.digests:]
		first += t.blocks
		c.ring.start()
	}
	return nil
}

// sums implements lower.
func (c *checker) sums(level int, first uint64, out []byte) error {
	n := max(1, int(c.size)/c.layout.nodeSize(level)) * c.layout.digestSize
	for len(out) > 0 {
		t, err := c.task(sumJob, level, first, min(n, len(out)))
		if err != nil {
			return err
		}
		t.sums, out = out[:t.digests], out[t.digests:]
		first += t.blocks
		c.ring.start()
	}
	return c.ring.drain()
}

// estimate implements lower.
func (c *checker) estimate(level int, first uint64, g guesses) error {
	if c.layout.spanBytes(level) > c.size {
		return c.main.estimate(level, first, g)
	}
	for len(g.stored) > 0 {
		t, err := c.task(estimateJob, level, first, min(c.pieceDigests(level), len(g.stored)))
		if err != nil {
			return err
		}
		t.guesses, g = g.cut(t.digests)
		first += t.blocks
		c.ring.start()
	}
	return c.ring.drain()
}

// settle implements lower: it waits for all pieces, so that findings stay in
// order.
func (c *checker) settle() error { return c.ring.drain() }

// pieceDigests is how many bytes of digests of a level make up a piece.
func (c *checker) pieceDigests(level int) int {
	return int(c.size/c.layout.spanBytes(level)) * c.layout.digestSize
}

// task makes the next task ready for so many bytes of digests of a level.
func (c *checker) task(job checkJob, level int, first uint64, digests int) (*checkTask, error) {
	t, err := c.ring.next()
	if err == nil {
		err = c.ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	t.job, t.level, t.first = job, level, first
	t.digests, t.blocks = digests, uint64(digests/c.layout.digestSize)
	data, n := c.layout.dataUnder(level, first, t.blocks)
	t.walker.hole = c.holes.covers(c.layout.nodeOffset(-1, data), int64(n)*int64(c.layout.dataBlockSize))
	return t, nil
}
