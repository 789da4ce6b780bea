package verity

import "slices"

// maxRanges bounds each list of a [Report], so that a hostile image cannot make
// it grow without end.
const maxRanges = 1 << 18

// Range is a run of blocks, both ends included.
type Range struct{ First, Last uint64 }

// Report is the result of [Check]. The lists are in ascending order and merged:
// neighbouring blocks are one range.
type Report struct {
	// RootOK says that the top of the tree, as stored or as restored from what
	// is below it, has the root hash asked for. Where it is false nothing is
	// proven, and the lists compare the data with the tree that is stored.
	RootOK bool
	// Root is the digest of the top of the tree: the root hash asked for when
	// RootOK, otherwise the one that is there instead.
	Root []byte
	// Data lists damaged data blocks.
	Data []Range
	// Tree lists damaged hash blocks, counted from the start of the hash device.
	// Bytes between or after the digests that are not zero are damage too.
	Tree []Range
	// Unproven lists data blocks of which nothing can be said because the tree
	// above them is damaged beyond what the data can restore.
	Unproven []Range
	// More is set when there were more ranges than are listed.
	More bool
}

// OK reports whether every block is proven and nothing is damaged.
func (r *Report) OK() bool {
	return r.RootOK && len(r.Data) == 0 && len(r.Tree) == 0 && len(r.Unproven) == 0
}

// rangeList collects ranges that arrive in ascending order.
type rangeList struct {
	ranges []Range
	more   bool
}

// add appends count blocks from first on.
func (l *rangeList) add(first, count uint64) {
	if count == 0 {
		return
	}
	if n := len(l.ranges); n > 0 && l.ranges[n-1].Last+1 == first {
		l.ranges[n-1].Last += count
		return
	}
	if len(l.ranges) == maxRanges {
		l.more = true
		return
	}
	l.ranges = append(l.ranges, Range{first, first + count - 1})
}

// take moves everything that from has into l, shifted by so many blocks.
func (l *rangeList) take(from *rangeList, shift uint64) {
	for _, r := range from.ranges {
		l.add(r.First+shift, r.Last-r.First+1)
	}
	l.more = l.more || from.more
	from.ranges, from.more = from.ranges[:0], false
}

// findings is the damage in one part of an image. Tree blocks are counted
// within their level here.
type findings struct {
	data, unproven rangeList
	tree           []rangeList // by level
}

// take moves everything that from has into f.
func (f *findings) take(from *findings) {
	f.data.take(&from.data, 0)
	f.unproven.take(&from.unproven, 0)
	for level := range from.tree {
		f.tree[level].take(&from.tree[level], 0)
	}
}

// fill puts the findings into a report.
func (f *findings) fill(r *Report, l *Layout) {
	var tree rangeList
	for level := len(l.levels) - 1; level >= 0; level-- { // the order on disk
		tree.take(&f.tree[level], l.levels[level].start)
	}
	r.Data = slices.Clone(f.data.ranges)
	r.Unproven = slices.Clone(f.unproven.ranges)
	r.Tree = tree.ranges
	r.More = f.data.more || f.unproven.more || tree.more
}
