package main

import (
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
