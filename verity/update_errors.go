package verity

import (
	"fmt"
	"strings"
)

// RootError says that a tree has another root hash than the one asked for. It
// matches [ErrCorrupt].
type RootError struct{ Want, Got []byte }

// Error implements error.
func (e *RootError) Error() string {
	return fmt.Sprintf("verity: the tree has root hash %x, not %x", e.Got, e.Want)
}

// Is reports whether target is [ErrCorrupt].
func (e *RootError) Is(target error) bool { return target == ErrCorrupt }

// MismatchError lists what [Update] found of an image that is not what its tree
// says. It matches [ErrCorrupt].
type MismatchError struct {
	// Tree lists hash blocks, from the start of the hash device, that do not have
	// the digest that the tree above has of them, or that have other bytes than
	// zeros between or after their digests. What is below a listed block is not
	// looked at.
	Tree []Range
	// Data lists blocks of [UpdateOptions].OldData that the old tree was not made
	// of.
	Data []Range
	// More is set when there were more ranges than are listed.
	More bool
}

// Error implements error. It names the first ranges.
func (e *MismatchError) Error() string {
	var parts []string
	if len(e.Tree) > 0 {
		parts = append(parts, "hash blocks "+rangesText(e.Tree)+" do not match the tree above them")
	}
	if len(e.Data) > 0 {
		parts = append(parts, "the tree was not made of old data blocks "+rangesText(e.Data))
	}
	return "verity: " + strings.Join(parts, "; ")
}

// Is reports whether target is [ErrCorrupt].
func (e *MismatchError) Is(target error) bool { return target == ErrCorrupt }

// namedRanges is how many ranges the text of a MismatchError has.
const namedRanges = 8

func rangesText(ranges []Range) string {
	var b strings.Builder
	for i, r := range ranges {
		if i == namedRanges {
			fmt.Fprintf(&b, " and %d ranges more", len(ranges)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d-%d", r.First, r.Last)
	}
	return b.String()
}

// mismatches is what an updater finds wrong. Tree blocks are counted within
// their level here.
type mismatches struct {
	tree []rangeList // by level
	data rangeList
}

// any reports whether something was found.
func (m *mismatches) any() bool {
	for i := range m.tree {
		if len(m.tree[i].ranges) > 0 {
			return true
		}
	}
	return len(m.data.ranges) > 0
}

// at is the list of a level; -1 is the data.
func (m *mismatches) at(level int) *rangeList {
	if level < 0 {
		return &m.data
	}
	return &m.tree[level]
}

// asError makes a MismatchError of what was found, nil of nothing. Blocks whose
// parent is listed are left out: it may have been the parent that changed.
func (m *mismatches) asError(l *Layout) error {
	if !m.any() {
		return nil
	}
	e := new(MismatchError)
	var tree rangeList
	parents := &rangeList{}
	for level := len(m.tree) - 1; level >= -1; level-- { // the order on disk
		own := m.at(level)
		kept := own.outside(parents, l.perBlockBits)
		parents = own
		if level < 0 {
			e.Data = kept.ranges
			e.More = e.More || kept.more
		} else {
			tree.take(kept, l.levels[level].start)
		}
	}
	e.Tree, e.More = tree.ranges, e.More || tree.more
	return e
}

// outside is what of l has no parent in parents, 1<<bits blocks having the same.
func (l *rangeList) outside(parents *rangeList, bits uint8) *rangeList {
	kept := &rangeList{more: l.more}
	next := 0
	for _, r := range l.ranges {
		for at := r.First; at <= r.Last; {
			parent := at >> bits
			end := min(r.Last, parent<<bits|(1<<bits-1))
			for next < len(parents.ranges) && parents.ranges[next].Last < parent {
				next++
			}
			if next == len(parents.ranges) || parents.ranges[next].First > parent {
				kept.add(at, end-at+1)
			}
			at = end + 1
		}
	}
	return kept
}
