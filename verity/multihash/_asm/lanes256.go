package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes256 are lanes of AVX2, which has registers for the state only and no
// instruction to rotate.
type lanes256 struct{ *lanes }

// sha256x8 writes SHA-256 of eight blocks.
func sha256x8(f *file) {
	l := lanes256{newLanes(f, "sha256x8", "hashes groups of eight blocks with AVX2.", sha256, 8, 32)}
	l.lanes.compress = l.compress
	l.write()
}

func (l lanes256) compress() {
	var s [8]reg.VecVirtual
	for i := range s {
		s[i] = l.YMM()
		l.move(l.at(statesAt+i), s[i])
	}
	differ := [2]reg.VecVirtual{l.YMM(), l.YMM()} // where b and c do, and room for the next round's
	l.VPXOR(s[2], s[1], differ[0])
	l.copy(Mem{Base: l.window}, l.at(ringAt), 16)
	l.LEAQ(l.k, l.kp)
	l.Label("rounds")
	for i := range 16 {
		l.round(&s, i, differ[i%2], differ[(i+1)%2])
		l.schedule(i)
	}
	l.ADDQ(I32(16*l.word), l.kp)
	l.CMPQ(l.kp, l.at(restAt).Offset(8))
	l.JNE(LabelRef("rounds"))
	for i := range 16 {
		l.round(&s, i, differ[i%2], differ[(i+1)%2])
	}
	for i := range s {
		l.add(l.at(statesAt+i), s[i], s[i])
		l.move(s[i], l.at(statesAt+i))
	}
}

// round does one round of all messages and turns the working variables a to h by
// one place: FIPS 180-4, section 6.2.2. The majority of a, b and c is a where b and
// c differ, else b; where a and b differ goes to next.
func (l lanes256) round(s *[8]reg.VecVirtual, i int, differ, next reg.VecVirtual) {
	a, b, d, e, f, g, h := s[0], s[1], s[3], s[4], s[5], s[6], s[7]
	x := l.YMM()
	l.VPBROADCASTD(Mem{Base: l.kp, Disp: i * l.word}, x)
	l.VPADDD(l.at(ringAt+i), x, x)
	l.VPADDD(x, h, h)
	l.VPADDD(l.mix(e, l.sigma1, 3), h, h)
	l.VPXOR(g, f, x)
	l.VPAND(x, e, x)
	l.VPXOR(x, g, x)
	l.VPADDD(x, h, h)
	l.VPADDD(h, d, d)
	l.VPADDD(l.mix(a, l.sigma0, 3), h, h)
	l.VPXOR(b, a, next)
	l.VPAND(next, differ, x)
	l.VPXOR(x, b, x)
	l.VPADDD(x, h, h)
	*s = [8]reg.VecVirtual{h, a, b, s[2], d, e, f, g}
}

// schedule makes the word that takes the place of word i.
func (l lanes256) schedule(i int) {
	w, before := l.YMM(), l.YMM()
	l.move(l.at(ringAt+i), w)
	l.VPADDD(l.at(ringAt+(i+9)%16), w, w)
	l.move(l.at(ringAt+(i+1)%16), before)
	l.VPADDD(l.mix(before, l.s0, 2), w, w)
	l.move(l.at(ringAt+(i+14)%16), before)
	l.VPADDD(l.mix(before, l.s1, 2), w, w)
	l.move(w, l.at(ringAt+i))
}

// mix returns the exclusive or of x turned by the first counts and shifted by the
// others.
func (l lanes256) mix(x reg.VecVirtual, counts [3]uint64, turns int) reg.VecVirtual {
	sum, y := l.YMM(), l.YMM()
	l.VPSRLD(Imm(counts[0]), x, sum)
	for _, n := range counts[1:] {
		l.VPSRLD(Imm(n), x, y)
		l.VPXOR(y, sum, sum)
	}
	for _, n := range counts[:turns] {
		l.VPSLLD(Imm(32-n), x, y)
		l.VPXOR(y, sum, sum)
	}
	return sum
}
