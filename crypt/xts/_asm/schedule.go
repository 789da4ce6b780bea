package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Signatures of the kernels. Round keys are at the end of keys, so that the last
// round of every key size uses the same place.
const (
	blocksSignature  = "func(keys *[240]byte, rounds int, p *byte, groups int)"
	sectorsSignature = "func(keys *[240]byte, rounds int, dst, src, tweaks *byte, sectors, size int)"
)

// slots is how many round keys there is room for: those of AES-256.
const slots = 15

// schedule is where the round keys are.
type schedule struct {
	*file
	keys   reg.Register
	rounds reg.Register
}

func (f *file) schedule() schedule {
	return schedule{f, f.Load(f.Param("keys"), f.GP64()), f.Load(f.Param("rounds"), f.GP64())}
}

// slot is the place of the round key number n of AES-256; the last rounds of the
// other key sizes use the same places.
func (s schedule) slot(n int) Mem { return Mem{Base: s.keys, Disp: 16 * n} }

// first is the place of the first round key of any key size, which is added
// before the first round.
func (s schedule) first() Mem {
	at := s.GP64()
	s.MOVQ(U32(slots-1), at)
	s.SUBQ(s.rounds, at)
	s.SHLQ(Imm(4), at)
	return Mem{Base: s.keys, Index: at, Scale: 1}
}

// eachRound writes the rounds but the last: AES-128 begins with slot 5, AES-192
// with slot 3, AES-256 with slot 1. Common rounds are those of all key sizes.
func (s schedule) eachRound(round func(slot int, common bool)) {
	s.labels++
	for12, for10 := fmt.Sprintf("rounds12_%d", s.labels), fmt.Sprintf("rounds10_%d", s.labels)
	s.CMPQ(s.rounds, Imm(12))
	s.JCS(LabelRef(for10))
	s.JEQ(LabelRef(for12))
	round(1, false)
	round(2, false)
	s.Label(for12)
	round(3, false)
	round(4, false)
	s.Label(for10)
	for slot := 5; slot < slots-1; slot++ {
		round(slot, true)
	}
}

// interleaver spreads instructions over gaps between others.
type interleaver struct {
	steps []func()
	gaps  int // that are still to come
}

// gap writes the share of one gap.
func (i *interleaver) gap() {
	for n := (len(i.steps) + i.gaps - 1) / max(i.gaps, 1); n > 0; n-- {
		i.steps[0]()
		i.steps = i.steps[1:]
	}
	i.gaps--
}
