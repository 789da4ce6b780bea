package verity

import (
	"bytes"
	"fmt"
)

const (
	// pathBytes is how much of a level is worked on at a time.
	pathBytes = 64 << 10
	// pathBudget bounds all runs of level 0 together.
	pathBudget = 8 << 20
)

// pathRun is some blocks of one level of the tree, with what is new below them.
type pathRun struct {
	level    int
	blocks   []uint64 // ascending, within the level
	children []uint64 // blocks below, ascending
	tainted  []bool   // children with bytes that no tree has
	sums     []byte   // new digests of the children
	olds     []byte   // old ones; empty where nothing is known of them
	hasher   BatchHasher

	before, after         []byte // the blocks
	beforeSums, afterSums []byte
	spoiled               []bool // blocks with bytes that no tree has
	bad                   []uint64
	changed, known        uint64 // children
	err                   error
}

// pathChild is one child of a block on the path. old may be nil.
type pathChild struct {
	index    uint64
	sum, old []byte
	tainted  bool
}

func newPathRun(p Params, level int) (*pathRun, error) {
	h, err := NewHasher(p)
	return &pathRun{level: level, hasher: h}, err
}

// pathBlocks is how many blocks a run has.
func (l *Layout) pathBlocks() int { return max(1, pathBytes/l.hashBlockSize) }

// pathRuns is how many runs of level 0 are worked on at the same time.
func (l *Layout) pathRuns(jobs int) int {
	child := 8 + 1 + 2*l.digestSize
	run := l.pathBlocks() * (2*l.hashBlockSize + l.DigestsPerBlock()*child)
	return max(1, min(2*jobs, pathBudget/run))
}

// add appends a child. full says that its block does not fit any more, and that
// it was not added.
func (r *pathRun) add(l *Layout, c pathChild) (full bool) {
	block, _ := l.slot(c.index)
	if n := len(r.blocks); n == 0 || r.blocks[n-1] != block {
		if n == l.pathBlocks() {
			return true
		}
		r.blocks = append(r.blocks, block)
	}
	r.children = append(r.children, c.index)
	r.tainted = append(r.tainted, c.tainted)
	r.sums = append(r.sums, c.sum...)
	r.olds = append(r.olds, c.old...)
	return false
}

// reset makes the run empty.
func (r *pathRun) reset() {
	r.blocks, r.children, r.tainted = r.blocks[:0], r.children[:0], r.tainted[:0]
	r.sums, r.olds = r.sums[:0], r.olds[:0]
	r.bad, r.changed, r.known = r.bad[:0], 0, 0
}

// addLowest gives a child to level 0, whose runs are worked on by goroutines.
func (u *updater) addLowest(c pathChild) error {
	if u.lowest != nil && u.lowest.add(u.layout, c) {
		u.endLowest()
	}
	if u.lowest != nil {
		return nil
	}
	run, err := u.path.next()
	if err != nil {
		return err
	}
	run.reset()
	run.add(u.layout, c)
	u.lowest = run
	return nil
}

// endLowest hands over what level 0 has gathered.
func (u *updater) endLowest() {
	if u.lowest != nil {
		u.path.start()
		u.lowest = nil
	}
}

// addUpper gives a child to a level above level 0; above the highest there are
// the root hashes only.
func (u *updater) addUpper(level int, c pathChild) error {
	if level == len(u.upper) {
		u.result.Root, u.result.OldRoot = bytes.Clone(c.sum), bytes.Clone(c.old)
		if c.tainted {
			u.found.at(level-1).add(c.index, 1)
		}
		return nil
	}
	run := u.upper[level]
	if !run.add(u.layout, c) {
		return nil
	}
	if err := u.endRun(run); err != nil {
		return err
	}
	run.add(u.layout, c)
	return nil
}

// endUpper completes all levels above level 0.
func (u *updater) endUpper() error {
	for _, run := range u.upper {
		if run != nil {
			if err := u.endRun(run); err != nil {
				return err
			}
		}
	}
	return u.ctx.Err()
}

// endRun does what level 0 has goroutines for.
func (u *updater) endRun(run *pathRun) error {
	if len(run.blocks) == 0 {
		return nil
	}
	u.process(run)
	err := u.collectRun(run)
	run.reset()
	return err
}

// process reads the blocks of a run, compares them with what is known of their
// children, and makes the new ones. It touches nothing but the run.
func (u *updater) process(r *pathRun) {
	l := u.layout
	if r.err = u.readRun(r); r.err != nil {
		return
	}
	r.after = append(r.after[:0], r.before...)
	at, size := 0, l.digestSize
	for i, child := range r.children {
		block, slot := l.slot(child)
		for r.blocks[at] != block {
			at++
		}
		stored := r.after[at*l.hashBlockSize+l.digestOffset(slot):][:size]
		sum := r.sums[i*size:][:size]
		same := bytes.Equal(stored, sum)
		if len(r.olds) > 0 {
			r.judge(i, stored, same, size)
		}
		if !same {
			r.changed++
			copy(stored, sum)
		}
	}
	r.spoiled = r.spoiled[:0]
	for i, block := range r.blocks {
		_, slots := l.children(r.level, block, 1)
		r.spoiled = append(r.spoiled, !l.spareIsZero(r.before[i*l.hashBlockSize:][:l.hashBlockSize], int(slots)))
	}
	u.gate.enter()
	defer u.gate.leave()
	r.hasher.SumBlocks(grow(&r.beforeSums, len(r.blocks)*size), r.before, l.hashBlockSize)
	if r.changed == 0 {
		r.afterSums = append(r.afterSums[:0], r.beforeSums...)
		return
	}
	r.hasher.SumBlocks(grow(&r.afterSums, len(r.blocks)*size), r.after, l.hashBlockSize)
}

// judge compares the digest that is stored for the i-th child with the one that
// the child had. Old data may also be older than what the tree was made of.
func (r *pathRun) judge(i int, stored []byte, same bool, size int) {
	old := r.olds[i*size:][:size]
	switch fits := bytes.Equal(stored, old); {
	case !fits && same && r.level == 0:
		r.known++
	case !fits || r.tainted[i]:
		r.bad = append(r.bad, r.children[i])
	}
}

// readRun reads the blocks of a run, neighbours at once.
func (u *updater) readRun(r *pathRun) error {
	size := u.layout.hashBlockSize
	grow(&r.before, len(r.blocks)*size)
	for i := 0; i < len(r.blocks); {
		n := adjacent(r.blocks[i:])
		if err := u.nodes.read(r.level, r.blocks[i], r.before[i*size:(i+n)*size]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// adjacent is how many blocks at the start of list follow each other.
func adjacent(list []uint64) int {
	n := 1
	for n < len(list) && list[n] == list[0]+uint64(n) {
		n++
	}
	return n
}

// collectRun writes the blocks of a finished run that differ and passes their
// digests on to the level above.
func (u *updater) collectRun(r *pathRun) error {
	if r.err != nil {
		return r.err
	}
	for _, child := range r.bad {
		u.found.at(r.level-1).add(child, 1)
	}
	if r.level == 0 {
		u.result.ChangedBlocks += r.changed
		u.result.KnownBlocks += r.known
	}
	if !u.found.any() {
		if err := u.writeRun(r); err != nil {
			return err
		}
	}
	size := u.layout.digestSize
	for i, block := range r.blocks {
		c := pathChild{index: block, sum: r.afterSums[i*size:][:size], old: r.beforeSums[i*size:][:size], tainted: r.spoiled[i]}
		if err := u.addUpper(r.level+1, c); err != nil {
			return err
		}
	}
	return nil
}

// writeRun writes the blocks of a run that differ, neighbours at once.
func (u *updater) writeRun(r *pathRun) error {
	size := u.layout.hashBlockSize
	differs := func(i int) bool { return !bytes.Equal(r.before[i*size:][:size], r.after[i*size:][:size]) }
	for i := 0; i < len(r.blocks); {
		limit := i + adjacent(r.blocks[i:])
		for i < limit {
			if !differs(i) {
				i++
				continue
			}
			first := i
			for i < limit && differs(i) {
				i++
			}
			off := u.layout.nodeOffset(r.level, r.blocks[first])
			if _, err := u.out.WriteAt(r.after[first*size:i*size], off); err != nil {
				return fmt.Errorf("writing hash at offset %d: %w", off, err)
			}
			u.result.HashBlocks += uint64(i - first)
		}
	}
	return nil
}
