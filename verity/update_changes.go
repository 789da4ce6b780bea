package verity

import (
	"cmp"
	"slices"
)

// sortedChanges copies a list of data blocks, sorts it and joins what overlaps or
// touches.
func (l *Layout) sortedChanges(changed []Range) ([]Range, error) {
	list := slices.Clone(changed)
	for _, r := range list {
		if r.First > r.Last || r.Last >= l.dataBlocks {
			return nil, badParams("changed blocks %d to %d: there are %d data blocks", r.First, r.Last, l.dataBlocks)
		}
	}
	return JoinRanges(list, len(list)), nil
}

// JoinRanges sorts a list of ranges, in place, and joins those that overlap or
// touch. While there are more than limit (at least 2), neighbours that are near
// each other are joined with what is between them, so that the result covers all
// that the list covered. It is for lists of changed blocks, where listing more
// costs time only.
func JoinRanges(list []Range, limit int) []Range {
	slices.SortFunc(list, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	list = joined(list, 0)
	for gap := uint64(1); len(list) > max(2, limit); gap = 2*gap + 1 {
		list = joined(list, gap)
	}
	return list
}

// joined joins ranges with at most gap blocks between them, in place. They are
// sorted by First.
func joined(list []Range, gap uint64) []Range {
	n := 0
	for _, r := range list {
		if n > 0 && (r.First <= list[n-1].Last || r.First-list[n-1].Last-1 <= gap) {
			list[n-1].Last = max(list[n-1].Last, r.Last)
			continue
		}
		list[n] = r
		n++
	}
	return list[:n]
}

// path lists the hash blocks above data blocks, in the order on disk and from the
// start of the hash device. changed is sorted.
func (l *Layout) path(changed []Range) []Range {
	levels := make([][]Range, len(l.levels))
	below := changed
	for level := range levels {
		above := make([]Range, len(below))
		for i, r := range below {
			above[i] = Range{r.First >> l.perBlockBits, r.Last >> l.perBlockBits}
		}
		below = joined(above, 0)
		levels[level] = below
	}
	var all []Range
	for level := len(levels) - 1; level >= 0; level-- {
		start := l.levels[level].start
		for _, r := range levels[level] {
			all = append(all, Range{r.First + start, r.Last + start})
		}
	}
	return joined(all, 0)
}
