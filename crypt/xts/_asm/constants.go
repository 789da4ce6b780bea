package main

import (
	"slices"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
)

// counts is a constant with the same number for both halves of every block.
func (f *file) counts(name string, ofBlock ...uint64) Mem {
	if !slices.Contains(f.constants, name) {
		f.constants = append(f.constants, name)
		f.StaticGlobal(name)
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for _, n := range ofBlock {
			f.AppendDatum(U64(n))
			f.AppendDatum(U64(n))
		}
	}
	return NewDataAddr(NewStaticSymbol(name), 0)
}
