package main

import . "github.com/mmcloughlin/avo/operand"

// keyKernels are the parts of the key expansion that need the S-box or the field
// of AES; without tables, their time does not depend on the key.
func keyKernels(f *file) {
	f.function("subWord", "func(w uint32) uint32", "applies the S-box to each byte of w.")
	x := f.XMM()
	f.MOVD(f.Load(f.Param("w"), f.GP32()), x)
	f.PSHUFD(Imm(0), x, x)
	f.AESKEYGENASSIST(Imm(0), x, x)
	result := f.GP32()
	f.MOVD(x, result)
	f.Store(result, f.ReturnIndex(0))
	f.RET()

	f.function("invMixColumns", "func(p *[16]byte)", "applies InvMixColumns to p.")
	p := f.Load(f.Param("p"), f.GP64())
	y := f.XMM()
	f.MOVOU(Mem{Base: p}, y)
	f.AESIMC(y, y)
	f.MOVOU(y, Mem{Base: p})
	f.RET()
}
