package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vaes512 are kernels with four registers of four blocks each in flight, and all
// round keys in registers.
type vaes512 struct {
	schedule
	decrypt bool
	key     [slots]reg.VecVirtual // key[0] is that before the first round
	tweak   [4]reg.VecVirtual     // of the next 16 blocks
	low     reg.OpmaskVirtual     // the low half of every block
}

const group512 = 16 * 16 // bytes of a group

func vaes512Kernels(f *file) {
	f.vaes512Blocks("encryptBlocksVAES512", "encrypts", false)
	f.vaes512Blocks("decryptBlocksVAES512", "decrypts", true)
	f.vaes512Sectors("encryptVAES512", "encrypts", false)
	f.vaes512Sectors("decryptVAES512", "decrypts", true)
}

func (f *file) vaes512Blocks(name, verb string, decrypt bool) {
	f.function(name, blocksSignature, verb+" groups of 16 blocks in place.")
	v := &vaes512{schedule: f.schedule(), decrypt: decrypt}
	v.loadKeys()
	p, groups := f.Load(f.Param("p"), f.GP64()), f.Load(f.Param("groups"), f.GP64())
	f.Label("group")
	var x [4]reg.VecVirtual
	for i := range x {
		x[i] = f.ZMM()
		f.VPXORQ(Mem{Base: p, Disp: 64 * i}, v.key[0], x[i])
	}
	v.eachRound(func(slot int, _ bool) {
		for i := range x {
			v.round(v.key[slot], x[i])
		}
	})
	for i := range x {
		v.lastRound(v.key[slots-1], x[i])
		f.VMOVDQU64(x[i], Mem{Base: p, Disp: 64 * i})
	}
	f.ADDQ(U32(group512), p)
	f.DECQ(groups)
	f.JNZ(LabelRef("group"))
	f.VZEROUPPER()
	f.RET()
}

func (v *vaes512) loadKeys() {
	for slot := range v.key {
		v.key[slot] = v.ZMM()
		if slot > 0 {
			v.VBROADCASTI32X4(v.slot(slot), v.key[slot])
		}
	}
	v.VBROADCASTI32X4(v.first(), v.key[0])
}

// vaes512Sectors writes a kernel for whole sectors. While the last group of a
// sector is worked on, the tweaks of the next sector are made, for which tweaks
// has one more at its end.
func (f *file) vaes512Sectors(name, verb string, decrypt bool) {
	f.function(name, sectorsSignature, verb+" sectors of size bytes, a multiple of 16, given their first tweaks and 16 bytes more.")
	v := &vaes512{schedule: f.schedule(), decrypt: decrypt}
	v.loadKeys()
	dst, src := f.Load(f.Param("dst"), f.GP64()), f.Load(f.Param("src"), f.GP64())
	tweaks, sectors := f.Load(f.Param("tweaks"), f.GP64()), f.Load(f.Param("sectors"), f.GP64())
	rest := f.Load(f.Param("size"), f.GP64())
	full := f.GP64() // groups before the last of a sector
	f.MOVQ(rest, full)
	f.ANDQ(U32(group512-1), rest)
	f.SHRQ(Imm(8), full)
	f.CMPQ(rest, Imm(1))
	f.SBBQ(Imm(0), full)
	masks := v.masks(rest)

	for i := range v.tweak {
		v.tweak[i] = f.ZMM()
	}
	start := &interleaver{steps: v.startTweaks(tweaks), gaps: 1}
	start.gap()
	n := f.GP64()

	f.Label("sector")
	f.MOVQ(full, n)
	f.TESTQ(n, n)
	f.JZ(LabelRef("last"))
	f.Label("group")
	v.group(dst, src, nil, v.nextTweaks())
	f.ADDQ(U32(group512), src)
	f.ADDQ(U32(group512), dst)
	f.DECQ(n)
	f.JNZ(LabelRef("group"))

	f.Label("last")
	f.ADDQ(Imm(16), tweaks)
	f.TESTQ(rest, rest)
	f.JNZ(LabelRef("part"))
	v.group(dst, src, nil, v.startTweaks(tweaks))
	f.ADDQ(U32(group512), src)
	f.ADDQ(U32(group512), dst)
	f.DECQ(sectors)
	f.JNZ(LabelRef("sector"))
	f.JMP(LabelRef("done"))

	f.Label("part")
	v.group(dst, src, masks, v.startTweaks(tweaks))
	f.ADDQ(rest, src)
	f.ADDQ(rest, dst)
	f.DECQ(sectors)
	f.JNZ(LabelRef("sector"))

	f.Label("done")
	f.VZEROUPPER()
	f.RET()
}

// masks makes masks for so many bytes, less than a group, and low.
func (v *vaes512) masks(bytes reg.Register) []reg.OpmaskVirtual {
	v.low = v.K()
	bits := v.GP32()
	v.MOVL(U32(0x55), bits)
	v.KMOVW(bits, v.low)
	v.MOVQ(bytes, reg.RCX)
	v.SHRQ(Imm(3), reg.RCX)
	all := v.GP64()
	v.MOVQ(U32(1), all)
	v.SHLQ(reg.CL, all)
	v.DECQ(all)
	masks := make([]reg.OpmaskVirtual, 4)
	for i := range masks {
		masks[i] = v.K()
		v.KMOVW(all.As32(), masks[i])
		v.SHRQ(Imm(8), all)
	}
	return masks
}

// group works on 16 blocks, or those in masks, and does steps meanwhile.
func (v *vaes512) group(dst, src reg.Register, masks []reg.OpmaskVirtual, steps []func()) {
	var x, last [4]reg.VecVirtual
	for i := range x {
		x[i] = v.ZMM()
		at := Mem{Base: src, Disp: 64 * i}
		if masks == nil {
			v.VMOVDQU64(at, x[i])
		} else {
			v.VMOVDQU64_Z(at, masks[i], x[i])
		}
		v.VPTERNLOGQ(Imm(0x96), v.key[0], v.tweak[i], x[i])
	}
	var before []func() // the last round adds key and tweak at once
	for i := range last {
		last[i] = v.ZMM()
		before = append(before, func() { v.VPXORQ(v.key[slots-1], v.tweak[i], last[i]) })
	}
	between := interleaver{steps: append(before, steps...), gaps: 9 * len(x)}
	v.eachRound(func(slot int, common bool) {
		for i := range x {
			v.round(v.key[slot], x[i])
			if common {
				between.gap()
			}
		}
	})
	for i := range x {
		v.lastRound(last[i], x[i])
	}
	for i := range x {
		at := Mem{Base: dst, Disp: 64 * i}
		if masks == nil {
			v.VMOVDQU64(x[i], at)
		} else {
			v.VMOVDQU64(x[i], masks[i], at)
		}
	}
}

func (v *vaes512) round(key, x reg.VecVirtual) {
	if v.decrypt {
		v.VAESDEC(key, x, x)
	} else {
		v.VAESENC(key, x, x)
	}
}

func (v *vaes512) lastRound(key, x reg.VecVirtual) {
	if v.decrypt {
		v.VAESDECLAST(key, x, x)
	} else {
		v.VAESENCLAST(key, x, x)
	}
}

// nextTweaks multiplies the tweaks by x^16: the bytes move up by two, and what
// moves out comes back in times x^7 + x^2 + x + 1 (IEEE 1619, 5.2).
func (v *vaes512) nextTweaks() []func() {
	var steps []func()
	for _, t := range v.tweak {
		steps = append(steps, v.timesBytes(2, t, t)...)
	}
	return steps
}

// timesBytes sets to to from times x^(8n).
func (v *vaes512) timesBytes(n uint64, from, to reg.VecVirtual) []func() {
	out, a, b := v.ZMM(), v.ZMM(), v.ZMM()
	return []func(){
		func() { v.VPSRLDQ(Imm(16-n), from, out) },
		func() { v.VPSLLDQ(Imm(n), from, to) },
		func() { v.VPSLLQ(Imm(1), out, a) },
		func() { v.VPSLLQ(Imm(2), out, b) },
		func() { v.VPTERNLOGQ(Imm(0x96), a, out, to) },
		func() { v.VPSLLQ(Imm(7), out, a) },
		func() { v.VPTERNLOGQ(Imm(0x96), a, b, to) },
	}
}

// startTweaks makes the tweaks of the first 16 blocks of a sector of its first
// tweak.
func (v *vaes512) startTweaks(at reg.Register) []func() {
	t := v.tweak
	steps := []func(){func() { v.VBROADCASTI32X4(Mem{Base: at}, t[0]) }}
	steps = append(steps, v.times(t[0], t[0], func(from, to reg.VecVirtual) {
		v.VPSRLVQ(v.counts("complements512", 64, 63, 62, 61), from, to)
	}, func(from, to reg.VecVirtual) {
		v.VPSLLVQ(v.counts("counts512", 0, 1, 2, 3), from, to)
	})...)
	steps = append(steps, v.times(t[0], t[1], func(from, to reg.VecVirtual) {
		v.VPSRLQ(Imm(60), from, to)
	}, func(from, to reg.VecVirtual) {
		v.VPSLLQ(Imm(4), from, to)
	})...)
	steps = append(steps, v.timesBytes(1, t[0], t[2])...)
	return append(steps, v.timesBytes(1, t[1], t[3])...)
}

// times sets to to from times a small power of x, given how bits that leave a
// half of a block move into the other, and how others move up.
func (v *vaes512) times(from, to reg.VecVirtual, leave, stay func(from, to reg.VecVirtual)) []func() {
	out, a, b := v.ZMM(), v.ZMM(), v.ZMM()
	return []func(){
		func() { v.VPSHUFD(Imm(0x4e), from, out) },
		func() { leave(out, out) },
		func() { stay(from, to) },
		func() { v.VPSLLQ_Z(Imm(1), out, v.low, a) },
		func() { v.VPSLLQ_Z(Imm(2), out, v.low, b) },
		func() { v.VPTERNLOGQ(Imm(0x96), a, out, to) },
		func() { v.VPSLLQ_Z(Imm(7), out, v.low, a) },
		func() { v.VPTERNLOGQ(Imm(0x96), a, b, to) },
	}
}
