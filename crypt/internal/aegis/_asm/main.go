//go:generate go run . -out ../aegis_amd64.s

// Command _asm writes the assembly of package aegis for amd64.
package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The state is in registers that are chosen here, the block of the message and
// what else is needed in others.
var (
	s       = []reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3, reg.X4}
	message = reg.X5
	old     = reg.X6
	stream  = reg.X7
)

const blockSize = 16

func main() {
	ConstraintExpr("!purego")
	absorb()
	crypt("sealAESNI", "encrypts whole blocks.", true)
	crypt("openAESNI", "decrypts whole blocks.", false)
	Generate()
}

func function(name, signature, doc string) {
	Function(name)
	Attributes(attr.NOSPLIT)
	SignatureExpr(signature)
	Doc(name + " " + doc)
}

// load and save move the state between memory and registers.
func load(p reg.Register) {
	for i := range s {
		VMOVDQU(Mem{Base: p, Disp: blockSize * i}, s[i])
	}
}

func save(p reg.Register) {
	for i := range s {
		VMOVDQU(s[i], Mem{Base: p, Disp: blockSize * i})
	}
}

// update is StateUpdate128 with the block of the message.
func update() {
	VMOVDQA(s[4], old)
	for i := 4; i > 0; i-- {
		VAESENC(s[i], s[i-1], s[i])
	}
	VPXOR(message, s[0], s[0])
	VAESENC(s[0], old, s[0])
}

func absorb() {
	function("absorbAESNI", "func(s, m *uint64, times int)", "updates with the same block so many times.")
	p := Load(Param("s"), GP64())
	m := Load(Param("m"), GP64())
	times := Load(Param("times"), GP64())
	load(p)
	VMOVDQU(Mem{Base: m}, message)
	Label("again")
	update()
	DECQ(times)
	JNZ(LabelRef("again"))
	save(p)
	RET()
}

func crypt(name, doc string, seal bool) {
	function(name, "func(s *uint64, dst, src *byte, blocks int)", doc)
	p := Load(Param("s"), GP64())
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	blocks := Load(Param("blocks"), GP64())
	load(p)
	Label("block")
	VPAND(s[2], s[3], stream)
	VPXOR(s[1], stream, stream)
	VPXOR(s[4], stream, stream)
	VMOVDQU(Mem{Base: src}, message)
	if seal {
		VPXOR(message, stream, stream)
		VMOVDQU(stream, Mem{Base: dst})
	} else {
		VPXOR(message, stream, message)
		VMOVDQU(message, Mem{Base: dst})
	}
	update()
	ADDQ(Imm(blockSize), src)
	ADDQ(Imm(blockSize), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	save(p)
	RET()
}
