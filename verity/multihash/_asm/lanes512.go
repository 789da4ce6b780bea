package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes512 are lanes of AVX-512, where states and schedule fit the registers.
type lanes512 struct{ *lanes }

// sha256x16 writes SHA-256 of 16 blocks.
func sha256x16(f *file) {
	l := lanes512{newLanes(f, "sha256x16", "hashes groups of 16 blocks with AVX-512.", sha256, 16, 64)}
	l.lanes.compress = l.compress
	l.write()
}

// sha512x8 writes SHA-512 of eight blocks.
func sha512x8(f *file) {
	l := lanes512{newLanes(f, "sha512x8", "hashes groups of eight blocks with AVX-512.", sha512, 8, 64)}
	l.lanes.compress = l.compress
	l.write()
}

func (l lanes512) compress() {
	var s [8]reg.VecVirtual
	var w [16]reg.VecVirtual
	for i := range s {
		s[i] = l.ZMM()
		l.move(l.at(statesAt+i), s[i])
	}
	for i := range w {
		w[i] = l.ZMM()
		l.move(Mem{Base: l.window, Disp: i * l.width}, w[i])
	}
	l.LEAQ(l.k, l.kp)
	l.Label("rounds")
	for i := range w {
		l.round(&s, w[i], i)
		l.schedule(w[i], w[(i+1)%16], w[(i+9)%16], w[(i+14)%16])
	}
	l.ADDQ(I32(16*l.word), l.kp)
	l.CMPQ(l.kp, l.at(restAt).Offset(8))
	l.JNE(LabelRef("rounds"))
	for i := range w {
		l.round(&s, w[i], i)
	}
	for i := range s {
		l.add(l.at(statesAt+i), s[i], s[i])
		l.move(s[i], l.at(statesAt+i))
	}
}

// round does one round of all messages and turns the working variables a to h by
// one place: FIPS 180-4, sections 6.2.2 and 6.4.2.
func (l lanes512) round(s *[8]reg.VecVirtual, w reg.VecVirtual, i int) {
	a, b, c, d, e, f, g, h := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	x := l.ZMM()
	l.addEach(Mem{Base: l.kp, Disp: i * l.word}, w, x)
	l.add(x, h, h)
	l.add(l.mix(e, l.sigma1, l.rotate), h, h)
	l.add(l.choose(0xca, e, f, g), h, h) // bits of f where e has ones, else of g
	l.add(h, d, d)
	l.add(l.mix(a, l.sigma0, l.rotate), h, h)
	l.add(l.choose(0xe8, a, b, c), h, h) // bits that most of them have
	*s = [8]reg.VecVirtual{h, a, b, c, d, e, f, g}
}

// schedule makes the word that comes 16 after w, given those 1, 9 and 14 after it.
func (l lanes512) schedule(w, w1, w9, w14 reg.VecVirtual) {
	l.add(w9, w, w)
	l.add(l.mix(w1, l.s0, l.shift), w, w)
	l.add(l.mix(w14, l.s1, l.shift), w, w)
}

// mix returns the exclusive or of x turned by three counts, the last by way of op.
func (l lanes512) mix(x reg.VecVirtual, counts [3]uint64, op func(Op, Op, Op)) reg.VecVirtual {
	m := [3]reg.VecVirtual{l.ZMM(), l.ZMM(), l.ZMM()}
	l.rotate(Imm(counts[0]), x, m[0])
	l.rotate(Imm(counts[1]), x, m[1])
	op(Imm(counts[2]), x, m[2])
	l.ternary(0x96, m[2], m[1], m[0])
	return m[0]
}

// choose returns a function of three bits at each place.
func (l lanes512) choose(table uint64, x, y, z reg.VecVirtual) reg.VecVirtual {
	chosen := l.ZMM()
	l.VMOVDQA64(x, chosen)
	l.ternary(table, z, y, chosen)
	return chosen
}

func (l lanes512) ternary(table uint64, z, y, x reg.VecVirtual) {
	if l.word == 4 {
		l.VPTERNLOGD(Imm(table), z, y, x)
	} else {
		l.VPTERNLOGQ(Imm(table), z, y, x)
	}
}

func (l lanes512) rotate(count, x, to Op) {
	if l.word == 4 {
		l.VPRORD(count, x, to)
	} else {
		l.VPRORQ(count, x, to)
	}
}

func (l lanes512) shift(count, x, to Op) {
	if l.word == 4 {
		l.VPSRLD(count, x, to)
	} else {
		l.VPSRLQ(count, x, to)
	}
}

// addEach adds one word to all lanes.
func (l lanes512) addEach(b Mem, a, sum reg.VecVirtual) {
	if l.word == 4 {
		l.VPADDD_BCST(b, a, sum)
	} else {
		l.VPADDQ_BCST(b, a, sum)
	}
}
