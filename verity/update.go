package verity

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// UpdateOptions change what [Update] demands. The zero value is fine.
type UpdateOptions struct {
	// Root, if not nil, is the root hash that the old tree must have. Without it
	// the tree that is there is believed.
	Root []byte
	// OldData, if not nil, is the data as it was when the tree was made. Where
	// Data has changed it must have the digests of the old tree, unless the tree
	// has those of the new data already.
	OldData io.ReaderAt
}

// Updated is what [Update] has found and done.
type Updated struct {
	// Root is the root hash of the new tree.
	Root []byte
	// OldRoot is that of the old one. It is nil when nothing says it: for a
	// changed image of a single block, which has no tree, without OldData and Root.
	OldRoot []byte
	// Path lists the hash blocks above the changed data, from the start of the
	// hash device: no other blocks can differ between the trees.
	Path []Range
	// ListedBlocks counts the data blocks that were said to have changed,
	// ChangedBlocks those of them whose digests have, and KnownBlocks those that
	// differ from OldData but whose new digests the tree has already.
	ListedBlocks, ChangedBlocks, KnownBlocks uint64
	// HashBlocks counts the hash blocks that were written.
	HashBlocks uint64
}

// Update brings the tree on hash up to date with data after the listed blocks
// of data have changed, and writes the hash blocks that differ to out, at their
// offsets on the hash device. Only the listed blocks are read and hashed, and
// the tree blocks above them; all others are taken from the old tree. If no
// block changed that is not listed, the result is what [Build] would make.
//
// The old tree blocks must have the digests that the tree has of them, up to
// its root; otherwise the error is a [*MismatchError]. A root other than
// o.Root is a [*RootError]. Blocks that are listed and have not changed cost
// time only; the list may have any order.
//
// Blocks are written while others are still read, in ascending order on each
// level. So out may be hash itself; but then an update that fails leaves a tree
// that is neither the old nor the new one. To change nothing unless all is well,
// give something that keeps the blocks of [Updated].Path, such as a file laid over
// the hash device, and copy them. Superblocks stay as they are.
//
// Reading and hashing overlap and use p.Jobs cores; p.Progress is told about
// listed data. Memory depends on nothing but the list. When ctx ends, Update
// returns soon with its error. Other errors wrap [ErrBadParams], also for a list
// that goes past the end of the data, io.ErrUnexpectedEOF when data or hash is
// too short, or what data, hash and out returned.
func Update(ctx context.Context, data, hash io.ReaderAt, out io.WriterAt, p Params, changed []Range, o UpdateOptions) (*Updated, error) {
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	list, err := l.sortedChanges(changed)
	if err != nil {
		return nil, err
	}
	if o.Root != nil {
		if err := l.validateRoot(o.Root); err != nil {
			return nil, err
		}
	}
	u := &updater{ctx: ctx, layout: &l, nodes: newNodeReader(&l, data, hash), out: out, changed: list, progress: p.progress}
	if err := u.run(p, o); err != nil {
		return nil, fmt.Errorf("verity: updating tree: %w", err)
	}
	u.result.Path = l.path(list)
	return &u.result, nil
}

// updater is one call of Update.
type updater struct {
	ctx      context.Context
	layout   *Layout
	nodes    *nodeReader
	out      io.WriterAt
	changed  []Range // sorted, apart
	progress func(bytes int64)

	data   *updateHasher
	path   *ring[pathRun]
	lowest *pathRun   // of level 0, being filled; nil: none
	upper  []*pathRun // by level; that of level 0 is nil
	gate   gate       // bounds how many goroutines hash

	found  mismatches
	result Updated
}

func (u *updater) run(p Params, o UpdateOptions) error {
	if err := u.nodes.probe(); err != nil {
		return err
	}
	hashers, err := newDataHashers(p, 1)
	if err != nil {
		return err
	}
	for _, r := range u.changed {
		u.result.ListedBlocks += r.Last - r.First + 1
	}
	if len(u.layout.levels) == 0 {
		return u.single(hashers[0], o)
	}
	if o.Root != nil {
		if err := u.checkRoot(hashers[0], o.Root); err != nil {
			return err
		}
	}
	if err := u.prepare(p, o); err != nil {
		return err
	}
	err = u.hashChanged()
	// No goroutine outlives this call. The data comes first: it feeds level 0.
	if drained := u.data.ring.drain(); err == nil {
		err = drained
	}
	u.endLowest()
	if drained := u.path.drain(); err == nil {
		err = drained
	}
	if err == nil {
		err = u.endUpper()
	}
	if err == nil {
		err = u.found.asError(u.layout)
	}
	return err
}

// prepare makes the memory and the hashers of all levels.
func (u *updater) prepare(p Params, o UpdateOptions) (err error) {
	u.gate = make(gate, p.jobs())
	u.found.tree = make([]rangeList, len(u.layout.levels))
	if u.data, err = u.newUpdateHasher(p, o); err != nil {
		return err
	}
	runs := make([]*pathRun, u.layout.pathRuns(p.jobs()))
	for i := range runs {
		if runs[i], err = newPathRun(p, 0); err != nil {
			return err
		}
	}
	u.path = newRing(runs, u.process, u.collectRun)
	u.upper = make([]*pathRun, len(u.layout.levels))
	for level := 1; level < len(u.upper); level++ {
		if u.upper[level], err = newPathRun(p, level); err != nil {
			return err
		}
	}
	if len(u.changed) > 0 {
		return nil
	}
	return u.touchTop(p)
}

// touchTop has the block at the top looked at where nothing below it is.
func (u *updater) touchTop(p Params) error {
	top := len(u.upper) - 1
	run, err := newPathRun(p, top)
	if err != nil {
		return err
	}
	run.blocks = append(run.blocks, 0)
	u.upper[top] = run
	return nil
}

// checkRoot compares the digest of the top of the tree with the root hash.
func (u *updater) checkRoot(h *dataHasher, want []byte) error {
	block, sum := make([]byte, u.layout.hashBlockSize), make([]byte, u.layout.digestSize)
	if err := u.nodes.read(len(u.layout.levels)-1, 0, block); err != nil {
		return err
	}
	h.SumBlocks(sum, block, len(block))
	if !bytes.Equal(sum, want) {
		return &RootError{Want: bytes.Clone(want), Got: sum}
	}
	return nil
}

// single updates an image of one block, whose digest is the root hash.
func (u *updater) single(h *dataHasher, o UpdateOptions) error {
	block, sum := make([]byte, u.layout.dataBlockSize), make([]byte, u.layout.digestSize)
	if err := u.nodes.read(-1, 0, block); err != nil {
		return err
	}
	h.sum(sum, block)
	u.result.Root = bytes.Clone(sum)
	switch {
	case u.result.ListedBlocks == 0:
		u.result.OldRoot = u.result.Root
	case o.OldData != nil:
		if err := dataSource(o.OldData, u.layout).read(block, 0); err != nil {
			return fmt.Errorf("old data: %w", err)
		}
		h.sum(sum, block)
		u.result.OldRoot = sum
	default:
		u.result.OldRoot = bytes.Clone(o.Root)
	}
	if o.Root != nil && !bytes.Equal(u.result.OldRoot, o.Root) {
		return &RootError{Want: bytes.Clone(o.Root), Got: u.result.OldRoot}
	}
	if !bytes.Equal(u.result.OldRoot, u.result.Root) {
		u.result.ChangedBlocks = 1
	}
	u.progress(int64(u.result.ListedBlocks) * int64(u.layout.dataBlockSize))
	return u.ctx.Err()
}
