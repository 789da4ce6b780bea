package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
)

// counts is a constant with the same number for both halves of every block.
func (f *file) counts(name string, ofBlock ...uint64) Mem {
	var halves []uint64
	for _, n := range ofBlock {
		halves = append(halves, n, n)
	}
	return f.constant(name, halves...)
}

// polynomial is what bits that leave a half of a block come back as in the other.
func (f *file) polynomial() Mem { return f.constant("polynomial", 0x87, 1) }

func (f *file) constant(name string, words ...uint64) Mem {
	if !slices.Contains(f.constants, name) {
		f.constants = append(f.constants, name)
		f.StaticGlobal(name)
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for _, word := range words {
			f.AppendDatum(U64(word))
		}
	}
	return NewDataAddr(NewStaticSymbol(name), 0)
}

// lowCounts is a constant for two blocks that moves the low half of each up by n
// bits and clears the high half.
func (f *file) lowCounts(n uint64) Mem {
	return f.constant(fmt.Sprintf("low%d", n), n, 64, n, 64)
}

// masks256 is the end of 128 bytes of ones, which as many zeros follow.
func (f *file) masks256() Mem {
	var words [2 * group256 / 8]uint64
	for i := range group256 / 8 {
		words[i] = 1<<64 - 1
	}
	return f.constant("masks256", words[:]...).Offset(group256)
}
