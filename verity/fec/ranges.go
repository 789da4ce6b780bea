package fec

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
)

// Range is a run of blocks, both ends included.
type Range struct{ First, Last uint64 }

// chunkBits is the size of the pieces of a blockSet.
const chunkBits = 1 << 15

// blockSet is a set of block numbers. It needs a bit per block where it has
// members and nothing elsewhere, so that neither absurd sizes nor widespread
// damage cost much memory.
type blockSet map[uint64]*[chunkBits / 64]uint64

func (s blockSet) add(n uint64) {
	chunk := s[n/chunkBits]
	if chunk == nil {
		chunk = new([chunkBits / 64]uint64)
		s[n/chunkBits] = chunk
	}
	chunk[n%chunkBits/64] |= 1 << (n % 64)
}

func (s blockSet) contains(n uint64) bool {
	chunk := s[n/chunkBits]
	return chunk != nil && chunk[n%chunkBits/64]>>(n%64)&1 != 0
}

// all yields the members in order.
func (s blockSet) all() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for _, key := range slices.Sorted(maps.Keys(s)) {
			for i, word := range s[key] {
				for ; word != 0; word &= word - 1 {
					if !yield(key*chunkBits + uint64(i)*64 + uint64(bits.TrailingZeros64(word))) {
						return
					}
				}
			}
		}
	}
}

// ranges lists the members.
func (s blockSet) ranges() []Range {
	var list []Range
	for n := range s.all() {
		if last := len(list) - 1; last >= 0 && list[last].Last+1 == n {
			list[last].Last = n
		} else {
			list = append(list, Range{n, n})
		}
	}
	return list
}
