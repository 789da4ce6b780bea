package fec

import "math/bits"

// Range is a run of blocks, both ends included.
type Range struct{ First, Last uint64 }

// bitmap is a set of numbers below a limit known in advance; a bit per block
// keeps reports about damage within bounds while they grow.
type bitmap []uint64

func newBitmap(limit uint64) bitmap { return make(bitmap, limit/64+1) }

func (b bitmap) add(n uint64)           { b[n/64] |= 1 << (n % 64) }
func (b bitmap) contains(n uint64) bool { return b[n/64]>>(n%64)&1 != 0 }

// next returns the first member at or after n.
func (b bitmap) next(n uint64) (member uint64, ok bool) {
	i := n / 64
	if i >= uint64(len(b)) {
		return 0, false
	}
	word := b[i] >> (n % 64) << (n % 64)
	for word == 0 {
		if i++; i == uint64(len(b)) {
			return 0, false
		}
		word = b[i]
	}
	return i*64 + uint64(bits.TrailingZeros64(word)), true
}

// ranges lists the members.
func (b bitmap) ranges() []Range {
	var list []Range
	for n, ok := b.next(0); ok; n, ok = b.next(n + 1) {
		if last := len(list) - 1; last >= 0 && list[last].Last+1 == n {
			list[last].Last = n
		} else {
			list = append(list, Range{n, n})
		}
	}
	return list
}
