package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The SHA extensions hold the eight working variables in two registers,
// (A,B,E,F) and (C,D,G,H) with the first in the highest lane, and do two rounds
// an instruction. Zen 4 begins one a cycle, but the next rounds of a message wait
// four cycles for the result: with one message three quarters of the unit are
// idle. The kernels here keep several messages in flight. What limits them then
// is the number of vector operations, of which rounds and schedule need 166 for
// 64 bytes, and how evenly they reach the four units: best is to let the rounds of
// a message wait until the schedule of all the other messages has come by.

// sha256ni writes the kernels of the SHA extensions.
func sha256ni(f *file) {
	shared := ni{
		k:    f.words32("k", k256[:]),
		swap: f.words64("swap", swap32...),
		turn: f.words64("turn", 0x08090a0b0c0d0e0f, 0x0001020304050607),
	}
	two := shared
	two.kernel = f.kernel("sha256NI2", "hashes groups of two blocks with the SHA extensions.", 2)
	two.schedule = two.scheduleSSE
	two.write()
	four := shared
	four.kernel = f.kernel("sha256NI4", "hashes groups of four blocks with the SHA extensions and the registers of AVX-512.", 4)
	four.schedule = four.scheduleEVEX
	four.write()
}

// ni is a kernel of the SHA extensions.
type ni struct {
	*kernel
	k        Mem // constants of the rounds
	swap     Mem // shuffle that turns the bytes of every word
	turn     Mem // shuffle that turns all 16 bytes
	messages []*message
	mask     reg.VecVirtual // swap
	temp     reg.VecVirtual
	schedule func(m *message, t int)
}

// message is one of the messages in flight.
type message struct {
	p          reg.GPVirtual // its next piece
	abef, cdgh reg.VecVirtual
	last       reg.VecVirtual  // the newest four words of the schedule
	w          [4]reg.Register // the newest 16 words of the schedule; two lanes: among them last
	state      Mem             // abef, cdgh
}

func (n *ni) write() {
	phase, phases := n.GP64(), n.GP64()
	count, ahead := n.GP64(), n.GP64()
	for i := range n.lanes {
		n.messages = append(n.messages, &message{
			p: n.GP64(), abef: n.XMM(), cdgh: n.XMM(),
			state: n.field(n.job, "pieceJob.states").Offset(32 * i),
		})
	}
	n.registers()

	n.Label("group")
	n.start()
	n.copies()
	n.MOVQ(n.job, phase)
	n.MOVQ(n.field(n.job, "job.live"), phases)

	n.Label("phase")
	n.pointers(phase)
	n.MOVQ(n.field(phase, "phase.count"), count)
	n.MOVQ(n.field(phase, "phase.ahead"), ahead)

	n.Label("piece")
	n.rounds64()
	for _, m := range n.messages {
		n.PREFETCHT0(Mem{Base: m.p, Index: ahead, Scale: 1})
		n.ADDQ(Imm(64), m.p)
		n.add(m.state, m.abef)
		n.add(m.state.Offset(16), m.cdgh)
	}
	n.DECQ(count)
	n.JNZ(LabelRef("piece"))

	n.ADDQ(Imm(uint64(n.size["phase"])), phase)
	n.DECQ(phases)
	n.JNZ(LabelRef("phase"))

	n.finish()
	for range n.lanes {
		n.ADDQ(n.field(n.job, "job.block"), n.src)
	}
	n.DECQ(n.groups)
	n.JNZ(LabelRef("group"))
	n.RET()
}

// registers assigns those of the schedule.
func (n *ni) registers() {
	n.temp = n.XMM()
	if n.lanes == 2 {
		n.mask = n.XMM()
		n.MOVOU(n.swap, n.mask)
		for _, m := range n.messages {
			for i := range m.w {
				m.w[i] = n.XMM()
			}
		}
		return
	}
	high := []reg.Register{
		reg.X16, reg.X17, reg.X18, reg.X19, reg.X20, reg.X21, reg.X22, reg.X23,
		reg.X24, reg.X25, reg.X26, reg.X27, reg.X28, reg.X29, reg.X30, reg.X31,
	}
	for i, m := range n.messages {
		m.last = n.XMM()
		copy(m.w[:], high[4*i:])
	}
}

// start loads the states.
func (n *ni) start() {
	n.CMPQ(n.field(n.job, "job.resume"), Imm(0))
	n.JNE(LabelRef("resume"))
	first := n.field(n.job, "job.state")
	for _, m := range n.messages {
		n.MOVOU(first, m.abef)
		n.MOVOU(m.abef, m.state)
		n.MOVOU(first.Offset(16), m.cdgh)
		n.MOVOU(m.cdgh, m.state.Offset(16))
	}
	n.JMP(LabelRef("started"))
	n.Label("resume")
	for _, m := range n.messages {
		n.MOVOU(m.state, m.abef)
		n.MOVOU(m.state.Offset(16), m.cdgh)
	}
	n.Label("started")
}

// copies puts the first and the last 64 bytes of every block where the rest of
// their piece is.
func (n *ni) copies() {
	from, to, block := n.GP64(), n.GP64(), n.GP64()
	n.MOVQ(n.field(n.job, "job.block"), block)
	n.MOVQ(n.src, from)
	n.MOVQ(n.field(n.job, "pieceJob.head"), to)
	n.copyLanes(from, to, block, "noHead")
	n.LEAQ(Mem{Base: n.src, Index: block, Scale: 1, Disp: -64}, from)
	n.MOVQ(n.field(n.job, "pieceJob.tail"), to)
	n.copyLanes(from, to, block, "noTail")
}

// copyLanes copies 64 bytes for each lane to the offset in to, if that is not 0.
func (n *ni) copyLanes(from, to, block reg.Register, none string) {
	n.TESTQ(to, to)
	n.JZ(LabelRef(none))
	n.ADDQ(n.job, to)
	for lane := range n.lanes {
		for at := 0; at < 64; at += 16 {
			x := n.XMM()
			n.MOVOU(Mem{Base: from, Disp: at}, x)
			n.MOVOU(x, Mem{Base: to, Disp: n.size["lane"]*lane + at})
		}
		if lane < n.lanes-1 {
			n.ADDQ(block, from)
		}
	}
	n.Label(none)
}

// pointers lets the messages point to the first pieces of a phase.
func (n *ni) pointers(phase reg.Register) {
	p := n.messages[0].p
	n.MOVQ(n.src, p)
	n.CMPQ(n.field(phase, "phase.inJob"), Imm(0))
	n.CMOVQNE(n.job, p)
	n.ADDQ(n.field(phase, "phase.offset"), p)
	for _, m := range n.messages[1:] {
		n.MOVQ(p, m.p)
		n.ADDQ(n.field(phase, "phase.lane"), m.p)
		p = m.p
	}
}

// rounds64 does all rounds of a piece for all messages.
func (n *ni) rounds64() {
	behind := n.lanes - 1
	for i := range 16*n.lanes + behind {
		if i < 16*n.lanes {
			n.schedule(n.messages[i%n.lanes], i/n.lanes)
		}
		if i >= behind {
			n.rounds(n.messages[(i-behind)%n.lanes], (i-behind)/n.lanes)
		}
	}
}

// scheduleSSE makes words 4t to 4t+3 in place of those 16 before.
func (n *ni) scheduleSSE(m *message, t int) {
	w, before := m.w[t%4], m.w[(t+3)%4]
	if t < 4 {
		n.MOVOU(Mem{Base: m.p, Disp: 16 * t}, w)
		n.PSHUFB(n.mask, w)
		return
	}
	n.SHA256MSG1(m.w[(t+1)%4], w)
	n.MOVOA(before, n.temp)
	n.PALIGNR(Imm(4), m.w[(t+2)%4], n.temp)
	n.PADDL(n.temp, w)
	n.SHA256MSG2(before, w)
}

// scheduleEVEX makes words 4t to 4t+3 in place of those 16 before, in registers
// that SHA instructions cannot name.
func (n *ni) scheduleEVEX(m *message, t int) {
	w, before := n.temp, m.last
	m.last, n.temp = w, before
	if t < 4 {
		n.VMOVDQU(Mem{Base: m.p, Disp: 16 * t}, w)
		n.VPSHUFB(n.swap, w, w)
	} else {
		x := n.XMM()
		n.VMOVDQA64(m.w[t%4], w)
		n.VMOVDQA64(m.w[(t+1)%4], x)
		n.SHA256MSG1(x, w)
		n.VPALIGNR(Imm(4), m.w[(t+2)%4], before, x)
		n.VPADDD(x, w, w)
		n.SHA256MSG2(before, w)
	}
	if t < 15 {
		n.VMOVDQA64(w, m.w[t%4])
	}
}

// rounds does rounds 4t to 4t+3.
func (n *ni) rounds(m *message, t int) {
	wk := reg.X0 // SHA256RNDS2 knows no other
	if n.lanes == 2 {
		n.MOVOU(n.k.Offset(16*t), wk)
		n.PADDL(m.w[t%4], wk)
	} else {
		n.VPADDD(n.k.Offset(16*t), m.last, wk)
	}
	n.SHA256RNDS2(wk, m.abef, m.cdgh)
	n.PSHUFD(Imm(0x0e), wk, wk)
	n.SHA256RNDS2(wk, m.cdgh, m.abef)
}

// add adds what is in memory to a register and writes the sum to both.
func (n *ni) add(mem Mem, x reg.VecVirtual) {
	before := n.XMM()
	n.MOVOU(mem, before)
	n.PADDL(before, x)
	n.MOVOU(x, mem)
}

// finish writes the digests.
func (n *ni) finish() {
	n.CMPQ(n.field(n.job, "job.finish"), Imm(0))
	n.JEQ(LabelRef("unfinished"))
	turn := n.temp
	n.MOVOU(n.turn, turn)
	for i, m := range n.messages {
		dcba, hgfe := n.XMM(), m.cdgh
		n.MOVOA(m.cdgh, dcba)
		n.PUNPCKHQDQ(m.abef, dcba)
		n.PSHUFB(turn, dcba)
		n.MOVOU(dcba, Mem{Base: n.dst, Disp: 32 * i})
		n.PUNPCKLQDQ(m.abef, hgfe)
		n.PSHUFB(turn, hgfe)
		n.MOVOU(hgfe, Mem{Base: n.dst, Disp: 32*i + 16})
	}
	n.ADDQ(I32(32*n.lanes), n.dst)
	n.Label("unfinished")
}
