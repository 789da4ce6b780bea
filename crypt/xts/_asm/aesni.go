package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// aesni are kernels with eight blocks in flight. There is room for no more than
// one round key in registers, and the tweaks wait in memory.
//
// Their registers are chosen here: avo believes that AESDEC does not read the
// register that it changes, and would use that for something else before.
type aesni struct {
	schedule
	decrypt bool
	now     reg.GPVirtual // where the tweaks of the group are
	then    reg.GPVirtual // where those of the next group go
}

var (
	blocksNI = []reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7}
	keyNI    = reg.X8 // of the round
	tweakNI  = reg.X9 // of the first block without a tweak in memory
	polyNI   = reg.X10
	spareNI  = reg.X11
)

const groupNI = 8 * 16 // bytes of a group

func aesniKernels(f *file) {
	f.aesniBlocks("encryptBlocksAESNI", "encrypts", false)
	f.aesniBlocks("decryptBlocksAESNI", "decrypts", true)
	f.aesniSectors("encryptAESNI", "encrypts", false)
	f.aesniSectors("decryptAESNI", "decrypts", true)
}

func (f *file) aesniBlocks(name, verb string, decrypt bool) {
	f.function(name, blocksSignature, verb+" groups of 16 blocks in place.")
	v := &aesni{schedule: f.schedule(), decrypt: decrypt}
	p, groups := f.Load(f.Param("p"), f.GP64()), f.Load(f.Param("groups"), f.GP64())
	first := v.first()
	f.SHLQ(Imm(1), groups) // this one takes eight
	f.Label("group")
	v.MOVOU(first, keyNI)
	x := blocksNI
	for i := range x {
		v.MOVOU(Mem{Base: p, Disp: 16 * i}, x[i])
		v.PXOR(keyNI, x[i])
	}
	v.eachRound(func(slot int, _ bool) {
		v.MOVOU(v.slot(slot), keyNI)
		for i := range x {
			v.round(x[i])
		}
	})
	v.MOVOU(v.slot(slots-1), keyNI)
	for i := range x {
		v.lastRound(x[i])
		v.MOVOU(x[i], Mem{Base: p, Disp: 16 * i})
	}
	f.ADDQ(U32(groupNI), p)
	f.DECQ(groups)
	f.JNZ(LabelRef("group"))
	f.RET()
}

// aesniSectors writes a kernel for whole sectors. While a group is worked on, the
// tweaks of the next one are made, be it in the next sector, for which tweaks has
// one more at its end.
func (f *file) aesniSectors(name, verb string, decrypt bool) {
	f.function(name, sectorsSignature, verb+" sectors of size bytes, a multiple of 16, given their first tweaks and 16 bytes more.")
	v := &aesni{schedule: f.schedule(), decrypt: decrypt}
	v.now, v.then = v.room()
	first := v.first()
	dst, src := f.Load(f.Param("dst"), f.GP64()), f.Load(f.Param("src"), f.GP64())
	tweaks, sectors := f.Load(f.Param("tweaks"), f.GP64()), f.Load(f.Param("sectors"), f.GP64())
	rest := f.Load(f.Param("size"), f.GP64())
	full, n := f.GP64(), f.GP64()
	f.MOVQ(rest, full)
	f.ANDQ(U32(groupNI-1), rest)
	f.SHRQ(Imm(7), full)
	v.MOVOU(f.polynomial(), polyNI)
	begin := func(area reg.Register) {
		v.MOVOU(Mem{Base: tweaks}, tweakNI)
		f.ADDQ(Imm(16), tweaks)
		for _, step := range v.nextTweaks(area) {
			step()
		}
	}
	begin(v.now)

	f.Label("sector")
	f.MOVQ(full, n)
	f.TESTQ(n, n)
	f.JZ(LabelRef("part"))
	f.Label("group")
	f.CMPQ(n, Imm(1))
	f.JNE(LabelRef("same"))
	f.TESTQ(rest, rest)
	f.JNZ(LabelRef("same"))
	v.MOVOU(Mem{Base: tweaks}, tweakNI)
	f.ADDQ(Imm(16), tweaks)
	f.Label("same")
	v.group(dst, src, first)
	f.XCHGQ(v.now, v.then)
	f.ADDQ(U32(groupNI), src)
	f.ADDQ(U32(groupNI), dst)
	f.DECQ(n)
	f.JNZ(LabelRef("group"))
	f.TESTQ(rest, rest)
	f.JZ(LabelRef("next"))

	f.Label("part")
	f.Label("block")
	v.block(Mem{Base: dst, Index: n, Scale: 1}, Mem{Base: src, Index: n, Scale: 1}, first, Mem{Base: v.now, Index: n, Scale: 1})
	f.ADDQ(Imm(16), n)
	f.CMPQ(n, rest)
	f.JNE(LabelRef("block"))
	f.ADDQ(rest, src)
	f.ADDQ(rest, dst)
	begin(v.now)

	f.Label("next")
	f.DECQ(sectors)
	f.JNZ(LabelRef("sector"))
	f.RET()
}

// room returns two places on the stack for the tweaks of a group each, aligned to
// 16 bytes.
func (v *aesni) room() (now, then reg.GPVirtual) {
	now, then = v.GP64(), v.GP64()
	v.LEAQ(v.AllocLocal(2*groupNI+16), now)
	v.ADDQ(Imm(15), now)
	v.ANDQ(I8(-16), now)
	v.LEAQ(Mem{Base: now, Disp: groupNI}, then)
	return now, then
}

// group works on eight blocks and makes the next eight tweaks.
func (v *aesni) group(dst, src reg.Register, first Mem) {
	x := blocksNI
	v.MOVOU(first, keyNI)
	for i := range x {
		v.MOVOU(Mem{Base: src, Disp: 16 * i}, x[i])
		v.PXOR(keyNI, x[i])
		v.PXOR(Mem{Base: v.now, Disp: 16 * i}, x[i])
	}
	between := interleaver{steps: v.nextTweaks(v.then), gaps: 9 * len(x)}
	v.eachRound(func(slot int, common bool) {
		v.MOVOU(v.slot(slot), keyNI)
		for i := range x {
			v.round(x[i])
			if common {
				between.gap()
			}
		}
	})
	v.MOVOU(v.slot(slots-1), keyNI)
	for i := range x {
		v.lastRound(x[i])
		v.PXOR(Mem{Base: v.now, Disp: 16 * i}, x[i])
		v.MOVOU(x[i], Mem{Base: dst, Disp: 16 * i})
	}
}

// block works on one block.
func (v *aesni) block(dst, src, first, tweak Mem) {
	x := blocksNI[0]
	v.MOVOU(src, x)
	v.MOVOU(first, keyNI)
	v.PXOR(keyNI, x)
	v.PXOR(tweak, x)
	v.eachRound(func(slot int, _ bool) {
		v.MOVOU(v.slot(slot), keyNI)
		v.round(x)
	})
	v.MOVOU(v.slot(slots-1), keyNI)
	v.lastRound(x)
	v.PXOR(tweak, x)
	v.MOVOU(x, dst)
}

// nextTweaks writes the tweaks of eight blocks to memory, each the double of the
// one before: what leaves a half of it comes back in the other, times 1 or
// x^7 + x^2 + x + 1 (IEEE 1619, 5.2).
func (v *aesni) nextTweaks(area reg.Register) []func() {
	var steps []func()
	for i := range groupNI / 16 {
		out, t := spareNI, tweakNI
		steps = append(steps,
			func() { v.MOVOA(t, Mem{Base: area, Disp: 16 * i}) },
			func() { v.PSHUFD(Imm(0x13), t, out) },
			func() { v.PSRAL(Imm(31), out) },
			func() { v.PADDQ(t, t) },
			func() { v.PAND(polyNI, out) },
			func() { v.PXOR(out, t) })
	}
	return steps
}

func (v *aesni) round(x reg.Register) {
	if v.decrypt {
		v.AESDEC(keyNI, x)
	} else {
		v.AESENC(keyNI, x)
	}
}

func (v *aesni) lastRound(x reg.Register) {
	if v.decrypt {
		v.AESDECLAST(keyNI, x)
	} else {
		v.AESENCLAST(keyNI, x)
	}
}
