package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// What the kernels with wide registers do in the same way, in one or the other
// instruction.

// vector returns a register.
func (l *lanes) vector() reg.VecVirtual {
	if l.width == 64 {
		return l.ZMM()
	}
	return l.YMM()
}

// move copies a register from or to memory.
func (l *lanes) move(from, to Op) {
	if l.width == 64 {
		l.VMOVDQU64(from, to)
	} else {
		l.VMOVDQU(from, to)
	}
}

// copy copies so many registers from memory to memory.
func (l *lanes) copy(from, to Mem, n int) {
	for i := range n {
		x := l.vector()
		l.move(from.Offset(i*l.width), x)
		l.move(x, to.Offset(i*l.width))
	}
}

// spread puts a word in all lanes.
func (l *lanes) spread(word, to Mem) {
	x := l.vector()
	if l.word == 4 {
		l.VPBROADCASTD(word, x)
	} else {
		l.VPBROADCASTQ(word, x)
	}
	l.move(x, to)
}

// spread16 puts 16 bytes in all parts of a register.
func (l *lanes) spread16(from Mem, to reg.VecVirtual) {
	if l.width == 64 {
		l.VBROADCASTI32X4(from, to)
	} else {
		l.VBROADCASTI128(from, to)
	}
}

// gather returns registers with 16 bytes from each of some places, the next with
// the 16 bytes after those.
func (l *lanes) gather(places []Mem, registers int) []reg.VecVirtual {
	x := make([]reg.VecVirtual, registers)
	for n, mem := range places {
		for i := range x {
			at := mem.Offset(16 * i)
			switch {
			case n == 0:
				x[i] = l.vector()
				l.spread16(at, x[i])
			case l.width == 64:
				l.VINSERTI32X4(Imm(uint64(n)), at, x[i], x[i])
			default:
				l.VINSERTI128(Imm(uint64(n)), at, x[i], x[i])
			}
		}
	}
	return x
}

// scatter writes 16 bytes of a register to each place.
func (l *lanes) scatter(x reg.VecVirtual, places []Mem) {
	for n, mem := range places {
		if l.width == 64 {
			l.VEXTRACTI32X4(Imm(uint64(n)), x, mem)
		} else {
			l.VEXTRACTI128(Imm(uint64(n)), x, mem)
		}
	}
}

// add adds b to a.
func (l *lanes) add(b Op, a, sum reg.VecVirtual) {
	if l.word == 4 {
		l.VPADDD(b, a, sum)
	} else {
		l.VPADDQ(b, a, sum)
	}
}
