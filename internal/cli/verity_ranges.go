package cli

import (
	"cmp"
	"slices"

	"github.com/dmimg/dmimg/verity"
)

// blockRange is a damaged range as JSON has it.
type blockRange struct {
	FirstBlock uint64 `json:"first_block"`
	LastBlock  uint64 `json:"last_block"`
	Repairable bool   `json:"repairable"` // from parity; false without it
}

// blocks is the number of blocks in r.
func (r blockRange) blocks() uint64 { return r.LastBlock - r.FirstBlock + 1 }

// merged sorts ranges and joins those that overlap or touch.
func merged(ranges []verity.Range) []verity.Range {
	slices.SortFunc(ranges, func(a, b verity.Range) int { return cmp.Compare(a.First, b.First) })
	var list []verity.Range
	for _, r := range ranges {
		if n := len(list); n > 0 && r.First <= list[n-1].Last+1 {
			list[n-1].Last = max(list[n-1].Last, r.Last)
			continue
		}
		list = append(list, r)
	}
	return list
}

// marked cuts damaged ranges into parts that are still damaged after a repair, and
// parts that are not: those are repairable. Both lists are sorted.
func marked(damaged, left []verity.Range) []blockRange {
	list := make([]blockRange, 0, len(damaged))
	for _, d := range damaged {
		at := d.First
		for _, l := range left {
			if l.Last < at || l.First > d.Last {
				continue
			}
			if l.First > at {
				list = append(list, blockRange{at, l.First - 1, true})
			}
			end := min(l.Last, d.Last)
			list = append(list, blockRange{max(at, l.First), end, false})
			at = end + 1
		}
		if at <= d.Last {
			list = append(list, blockRange{at, d.Last, true})
		}
	}
	return list
}
