package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vaes256 are kernels with four registers of two blocks each in flight, in the 16
// registers of AVX2. Round keys come from memory, each once for all four.
type vaes256 struct {
	schedule
	decrypt bool
	key     reg.VecVirtual    // of the round
	tweak   [4]reg.VecVirtual // of the next eight blocks
}

const group256 = 8 * 16 // bytes of a group

func vaes256Kernels(f *file) {
	f.vaes256Blocks("encryptBlocksVAES256", "encrypts", false)
	f.vaes256Blocks("decryptBlocksVAES256", "decrypts", true)
	f.vaes256Sectors("encryptVAES256", "encrypts", false)
	f.vaes256Sectors("decryptVAES256", "decrypts", true)
}

func (f *file) vaes256Blocks(name, verb string, decrypt bool) {
	f.function(name, blocksSignature, verb+" groups of 16 blocks in place.")
	v := &vaes256{schedule: f.schedule(), decrypt: decrypt, key: f.YMM()}
	p, groups := f.Load(f.Param("p"), f.GP64()), f.Load(f.Param("groups"), f.GP64())
	first := v.first()
	f.Label("group")
	var x [8]reg.VecVirtual
	v.VBROADCASTI128(first, v.key)
	for i := range x {
		x[i] = f.YMM()
		f.VPXOR(Mem{Base: p, Disp: 32 * i}, v.key, x[i])
	}
	v.eachRound(func(slot int, _ bool) {
		v.VBROADCASTI128(v.slot(slot), v.key)
		for i := range x {
			v.round(x[i])
		}
	})
	v.VBROADCASTI128(v.slot(slots-1), v.key)
	for i := range x {
		v.lastRound(v.key, x[i])
		f.VMOVDQU(x[i], Mem{Base: p, Disp: 32 * i})
	}
	f.ADDQ(U32(16*16), p)
	f.DECQ(groups)
	f.JNZ(LabelRef("group"))
	f.VZEROUPPER()
	f.RET()
}

// vaes256Sectors writes a kernel for whole sectors. While the last group of a
// sector is worked on, the tweaks of the next sector are made, for which tweaks
// has one more at its end.
func (f *file) vaes256Sectors(name, verb string, decrypt bool) {
	f.function(name, sectorsSignature, verb+" sectors of size bytes, a multiple of 16, given their first tweaks and 16 bytes more.")
	v := &vaes256{schedule: f.schedule(), decrypt: decrypt, key: f.YMM()}
	dst, src := f.Load(f.Param("dst"), f.GP64()), f.Load(f.Param("src"), f.GP64())
	tweaks, sectors := f.Load(f.Param("tweaks"), f.GP64()), f.Load(f.Param("sectors"), f.GP64())
	rest := f.Load(f.Param("size"), f.GP64())
	first := v.first()
	full, n, masks := f.GP64(), f.GP64(), f.GP64() // full: groups before the last of a sector
	f.MOVQ(rest, full)
	f.ANDQ(U32(group256-1), rest)
	f.SHRQ(Imm(7), full)
	f.CMPQ(rest, Imm(1))
	f.SBBQ(Imm(0), full)
	f.LEAQ(f.masks256(), masks)
	f.SUBQ(rest, masks)
	for i := range v.tweak {
		v.tweak[i] = f.YMM()
	}
	for _, step := range v.startTweaks(tweaks) {
		step()
	}

	f.Label("sector")
	f.MOVQ(full, n)
	f.TESTQ(n, n)
	f.JZ(LabelRef("last"))
	f.Label("group")
	v.group(dst, src, first, nil, v.nextTweaks())
	f.ADDQ(U32(group256), src)
	f.ADDQ(U32(group256), dst)
	f.DECQ(n)
	f.JNZ(LabelRef("group"))

	f.Label("last")
	f.ADDQ(Imm(16), tweaks)
	f.TESTQ(rest, rest)
	f.JNZ(LabelRef("part"))
	v.group(dst, src, first, nil, v.startTweaks(tweaks))
	f.ADDQ(U32(group256), src)
	f.ADDQ(U32(group256), dst)
	f.DECQ(sectors)
	f.JNZ(LabelRef("sector"))
	f.JMP(LabelRef("done"))

	f.Label("part")
	v.group(dst, src, first, masks, v.startTweaks(tweaks))
	f.ADDQ(rest, src)
	f.ADDQ(rest, dst)
	f.DECQ(sectors)
	f.JNZ(LabelRef("sector"))

	f.Label("done")
	f.VZEROUPPER()
	f.RET()
}

// group works on eight blocks, or those that masks, if not nil, points to masks
// for, and does steps meanwhile.
func (v *vaes256) group(dst, src reg.Register, first Mem, masks reg.Register, steps []func()) {
	var x, last [4]reg.VecVirtual
	for i := range x {
		x[i] = v.YMM()
		at := Mem{Base: src, Disp: 32 * i}
		if masks == nil {
			v.VPXOR(at, v.tweak[i], x[i])
		} else {
			v.VMOVDQU(Mem{Base: masks, Disp: 32 * i}, x[i])
			v.VPMASKMOVQ(at, x[i], x[i])
			v.VPXOR(x[i], v.tweak[i], x[i])
		}
	}
	v.VBROADCASTI128(first, v.key)
	for i := range x {
		v.VPXOR(v.key, x[i], x[i])
	}
	lastKey := v.YMM()
	before := []func(){func() { v.VBROADCASTI128(v.slot(slots-1), lastKey) }}
	for i := range last { // the last round adds key and tweak at once
		last[i] = v.YMM()
		before = append(before, func() { v.VPXOR(lastKey, v.tweak[i], last[i]) })
	}
	between := interleaver{steps: append(before, steps...), gaps: 9 * len(x)}
	v.eachRound(func(slot int, common bool) {
		v.VBROADCASTI128(v.slot(slot), v.key)
		for i := range x {
			v.round(x[i])
			if common {
				between.gap()
			}
		}
	})
	for i := range x {
		v.lastRound(last[i], x[i])
	}
	for i := range x {
		at := Mem{Base: dst, Disp: 32 * i}
		if masks == nil {
			v.VMOVDQU(x[i], at)
		} else {
			mask := v.YMM()
			v.VMOVDQU(Mem{Base: masks, Disp: 32 * i}, mask)
			v.VPMASKMOVQ(x[i], mask, at)
		}
	}
}

func (v *vaes256) round(x reg.VecVirtual) {
	if v.decrypt {
		v.VAESDEC(v.key, x, x)
	} else {
		v.VAESENC(v.key, x, x)
	}
}

func (v *vaes256) lastRound(key, x reg.VecVirtual) {
	if v.decrypt {
		v.VAESDECLAST(key, x, x)
	} else {
		v.VAESENCLAST(key, x, x)
	}
}

// nextTweaks multiplies the tweaks by x^8: the bytes move up by one, and what
// moves out comes back in times x^7 + x^2 + x + 1 (IEEE 1619, 5.2).
func (v *vaes256) nextTweaks() []func() {
	var steps []func()
	for _, t := range v.tweak {
		out, a, b := v.YMM(), v.YMM(), v.YMM()
		steps = append(steps,
			func() { v.VPSRLDQ(Imm(15), t, out) },
			func() { v.VPSLLDQ(Imm(1), t, t) },
			func() { v.VPSLLQ(Imm(1), out, a) },
			func() { v.VPXOR(out, t, t) },
			func() { v.VPSLLQ(Imm(2), out, b) },
			func() { v.VPXOR(a, t, t) },
			func() { v.VPSLLQ(Imm(7), out, a) },
			func() { v.VPXOR(b, t, t) },
			func() { v.VPXOR(a, t, t) })
	}
	return steps
}

// startTweaks makes the tweaks of the first eight blocks of a sector of its first
// tweak.
func (v *vaes256) startTweaks(at reg.Register) []func() {
	t := v.tweak
	by := func(n uint64) (leave, stay func(from, to reg.VecVirtual)) {
		return func(from, to reg.VecVirtual) { v.VPSRLQ(Imm(64-n), from, to) },
			func(from, to reg.VecVirtual) { v.VPSLLQ(Imm(n), from, to) }
	}
	steps := []func(){func() { v.VBROADCASTI128(Mem{Base: at}, t[0]) }}
	steps = append(steps, v.times(t[0], t[0], func(from, to reg.VecVirtual) {
		v.VPSRLVQ(v.counts("complements256", 64, 63), from, to)
	}, func(from, to reg.VecVirtual) {
		v.VPSLLVQ(v.counts("counts256", 0, 1), from, to)
	})...)
	leave, stay := by(2)
	steps = append(steps, v.times(t[0], t[1], leave, stay)...)
	leave, stay = by(4)
	steps = append(steps, v.times(t[0], t[2], leave, stay)...)
	return append(steps, v.times(t[1], t[3], leave, stay)...)
}

// times sets to to from times a small power of x, given how bits that leave a
// half of a block move into the other, and how others move up.
func (v *vaes256) times(from, to reg.VecVirtual, leave, stay func(from, to reg.VecVirtual)) []func() {
	out, a := v.YMM(), v.YMM()
	steps := []func(){
		func() { v.VPSHUFD(Imm(0x4e), from, out) },
		func() { leave(out, out) },
		func() { stay(from, to) },
		func() { v.VPXOR(out, to, to) },
	}
	for _, n := range []uint64{1, 2, 7} {
		steps = append(steps,
			func() { v.VPSLLVQ(v.lowCounts(n), out, a) },
			func() { v.VPXOR(a, to, to) })
	}
	return steps
}
