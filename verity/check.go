package verity

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Check verifies every data block and every tree block against root and reports
// all damage, not only the first. Where a stored tree block is damaged, Check
// tries to restore it from what is below it: if that gives the digest the tree
// has for the block, the data is proven all the same.
//
// Damage is no error: see [Report.OK]. Errors wrap [ErrBadParams],
// io.ErrUnexpectedEOF when data or hash is too short, or what they returned.
// Reading and hashing overlap and use p.Jobs cores; data and hash must allow
// concurrent reads. Memory does not depend on the size of the image. When ctx
// ends, Check returns soon with its error.
func Check(ctx context.Context, data, hash io.ReaderAt, p Params, root []byte) (*Report, error) {
	report, err := check(ctx, data, hash, p, root)
	if err != nil {
		return nil, fmt.Errorf("verity: checking: %w", err)
	}
	return report, nil
}

func check(ctx context.Context, data, hash io.ReaderAt, p Params, root []byte) (*Report, error) {
	l, err := NewLayout(p)
	if err != nil {
		return nil, err
	}
	if err := l.validateRoot(root); err != nil {
		return nil, err
	}
	nodes := newNodeReader(&l, data, hash)
	if err := nodes.probe(); err != nil {
		return nil, err
	}
	c, err := newChecker(ctx, nodes, p)
	if err != nil {
		return nil, err
	}
	report := &Report{Root: bytes.Clone(root)}
	err = c.fromTop(report)
	if drained := c.ring.drain(); err == nil { // also after an error: no goroutine outlives this call
		err = drained
	}
	if err != nil {
		return nil, err
	}
	c.main.found.fill(report, &l)
	return report, nil
}

// fromTop checks the top of the tree against the root hash in report, then
// everything below it.
func (c *checker) fromTop(report *Report) error {
	top := len(c.layout.levels) - 1
	stored, sum, err := c.main.load(top, 0)
	if err != nil {
		return err
	}
	report.RootOK = bytes.Equal(sum, report.Root)
	if report.RootOK || top < 0 {
		want := report.Root
		report.Root = sum
		return c.verify(top, 0, want)
	}
	return c.badTop(report, stored, sum)
}

// badTop decides what a top block means that does not have the root hash:
// either it is damaged, or it is sound and the root hash is not its own.
func (c *checker) badTop(report *Report, stored, sum []byte) error {
	top := len(c.layout.levels) - 1
	first, n := c.layout.children(top, 0, 1)
	sums := make([]byte, int(n)*c.layout.digestSize)
	if err := c.sums(top-1, first, sums); err != nil {
		return err
	}
	restored, err := c.main.restoreFrom(top, 0, report.Root, stored, sums)
	if err != nil {
		return err
	}
	if restored != nil {
		report.RootOK = true
		c.main.found.tree[top].add(0, 1)
		return c.verify(top-1, first, restored)
	}
	report.Root = sum
	slots := make([]byte, len(sums))
	c.layout.unpack(slots, stored, 0)
	if 2*agreeing(slots, sums, c.layout.digestSize) >= int(n) {
		return c.verify(top, 0, sum)
	}
	c.main.lose(top, 0)
	return nil
}

// agreeing counts the equal digests of two lists.
func agreeing(a, b []byte, size int) (n int) {
	for ; len(a) > 0; a, b = a[size:], b[size:] {
		if bytes.Equal(a[:size], b[:size]) {
			n++
		}
	}
	return n
}
