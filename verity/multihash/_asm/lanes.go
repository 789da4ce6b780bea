package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A wide register holds the same word of as many messages as it has room for: a
// message is a lane, and every instruction does the same for all. The blocks have
// to be turned into that form: a line, as much of a block as the hash function
// takes at a time, becomes 16 registers.
//
// With a salt in front, a piece of the message is not a line: it begins in one
// line and ends in the next. Reading it where it is would fetch each line twice,
// and lines of blocks that lie 4096 bytes apart compete for the same few places in
// the first cache. So lines are read as they are, once, and a piece is a window
// over the words of the line before and of this one.

// lanes is what the kernels of this kind have in common.
type lanes struct {
	*kernel
	sha
	width                 int    // bytes of a register
	compress              func() // feeds the piece in the window to the states
	k, swap               Mem
	frame                 reg.Register // see beforeAt and so on
	p, far                reg.Register // first lane's line and what to fetch into the cache
	lane, stride, stride3 reg.Register // bytes from a lane to the next; to that in the next part of a register; three times that
	window                reg.Register // first word of the piece
	kp                    reg.Register // next 16 constants
}

// sha is what differs between SHA-256 and SHA-512.
type sha struct {
	word           int // bytes
	rounds         int
	sigma0, sigma1 [3]uint64 // Σ: rotations
	s0, s1         [3]uint64 // σ: two rotations and a shift
}

// FIPS 180-4, sections 4.1.2 and 4.1.3.
var (
	sha256 = sha{
		word: 4, rounds: 64,
		sigma0: [3]uint64{2, 13, 22}, sigma1: [3]uint64{6, 11, 25},
		s0: [3]uint64{7, 18, 3}, s1: [3]uint64{17, 19, 10},
	}
	sha512 = sha{
		word: 8, rounds: 80,
		sigma0: [3]uint64{28, 34, 39}, sigma1: [3]uint64{14, 18, 41},
		s0: [3]uint64{1, 8, 7}, s1: [3]uint64{19, 61, 6},
	}
)

// Where things are in the frame, in registers.
const (
	beforeAt = 0  // 16 words of the line before
	wordsAt  = 16 // 16 words of this line
	statesAt = 32 // 8 words
	restAt   = 40 // phases left, end of the constants
	ringAt   = 41 // 16 words of the schedule, where they have no registers
)

// newLanes begins a kernel for so many lanes.
func newLanes(f *file, name, with string, s sha, lanesOf, width int) *lanes {
	l := &lanes{sha: s, width: width}
	if s.word == 4 {
		l.k, l.swap = f.words32("k", k256[:]), f.words64("swap", swap32...)
	} else {
		l.k, l.swap = f.words64("k", k512[:]...), f.words64("swap", swap64...)
	}
	l.kernel = f.kernel(name, with, lanesOf)
	l.Attributes(0)
	return l
}

func (l *lanes) write() {
	phase, count := l.GP64(), l.GP64()
	l.frame = l.GP64()
	l.p, l.far = l.GP64(), l.GP64()
	l.lane, l.stride, l.stride3 = l.GP64(), l.GP64(), l.GP64()
	l.window, l.kp = l.GP64(), l.GP64()

	size := ringAt
	if l.width == 32 {
		size += 16
	}
	l.LEAQ(l.AllocLocal(size*l.width+l.width), l.frame)
	l.ADDQ(Imm(uint64(l.width-1)), l.frame)
	l.ANDQ(I8(-l.width), l.frame)
	left, kEnd := l.at(restAt), l.at(restAt).Offset(8)
	l.LEAQ(l.k.Offset((l.rounds-16)*l.word), l.kp)
	l.MOVQ(l.kp, kEnd)
	l.MOVQ(l.field(l.job, "lineJob.window"), l.window)
	l.ADDQ(l.frame, l.window)

	l.Label("group")
	l.start()
	l.MOVQ(l.field(l.job, "job.live"), count)
	l.MOVQ(count, left)
	l.MOVQ(l.job, phase)

	l.Label("phase")
	l.MOVQ(l.src, l.p)
	l.CMPQ(l.field(phase, "phase.inJob"), Imm(0))
	l.CMOVQNE(l.job, l.p)
	l.ADDQ(l.field(phase, "phase.offset"), l.p)
	l.MOVQ(l.p, l.far)
	l.ADDQ(l.field(phase, "phase.ahead"), l.far)
	l.MOVQ(l.field(phase, "phase.lane"), l.lane)
	l.strides()
	l.MOVQ(l.field(phase, "phase.count"), count)

	l.Label("line")
	l.load()
	l.compress()
	l.keep()
	l.DECQ(count)
	l.JNZ(LabelRef("line"))

	l.ADDQ(Imm(uint64(l.size["phase"])), phase)
	l.DECQ(left)
	l.JNZ(LabelRef("phase"))

	l.finish()
	for range l.lanes {
		l.ADDQ(l.field(l.job, "job.block"), l.src)
	}
	l.DECQ(l.groups)
	l.JNZ(LabelRef("group"))
	l.VZEROUPPER()
	l.RET()
}

// at is a place in the frame.
func (l *lanes) at(register int) Mem { return Mem{Base: l.frame, Disp: register * l.width} }

// parts is how many times 16 bytes a register is, rows how many registers it takes
// to hold 16 bytes of every lane: part n of row r is of lane r + n·rows.
func (l *lanes) parts() int { return l.width / 16 }
func (l *lanes) rows() int  { return l.kernel.lanes / l.parts() }

// strides prepares places for what lies l.lane bytes apart.
func (l *lanes) strides() {
	l.IMUL3Q(Imm(uint64(l.rows())), l.lane, l.stride)
	if l.parts() > 2 {
		l.LEAQ(Mem{Base: l.stride, Index: l.stride, Scale: 2}, l.stride3)
	}
}

// places returns where the parts of a row are, p being the place of the first.
func (l *lanes) places(p reg.Register, offset int) []Mem {
	return []Mem{
		{Base: p, Disp: offset},
		{Base: p, Disp: offset, Index: l.stride, Scale: 1},
		{Base: p, Disp: offset, Index: l.stride, Scale: 2},
		{Base: p, Disp: offset, Index: l.stride3, Scale: 1},
	}[:l.parts()]
}

// start sets up the states and the words before the first line: those of the
// last call, or what the job begins with.
func (l *lanes) start() {
	l.CMPQ(l.field(l.job, "job.resume"), Imm(0))
	l.JNE(LabelRef("resume"))
	for i := range 8 {
		l.spread(l.field(l.job, "job.state").Offset(i*l.word), l.at(statesAt+i))
	}
	for i := range 16 {
		l.spread(l.field(l.job, "lineJob.head").Offset(i*l.word), l.at(beforeAt+i))
	}
	l.JMP(LabelRef("started"))
	l.Label("resume")
	l.copy(l.field(l.job, "lineJob.states"), l.at(statesAt), 8)
	l.copy(l.field(l.job, "lineJob.before"), l.at(beforeAt), 16)
	l.Label("started")
}

// load turns the next line of every lane into words, one line after the other
// where there are registers for it: 16 lines might not fit the first cache at once.
func (l *lanes) load() {
	pieces, atOnce := l.word, 1 // how many times 16 bytes there are in a line
	if l.width == 64 {
		atOnce = pieces
	}
	swap := l.vector()
	l.spread16(l.swap, swap)
	for first := 0; first < pieces; first += atOnce {
		rows := make([][]reg.VecVirtual, atOnce)
		for range l.rows() {
			for i, x := range l.gather(l.places(l.p, 16*first), atOnce) {
				rows[i] = append(rows[i], x)
			}
			if first == 0 {
				for _, mem := range l.places(l.far, 0) {
					l.PREFETCHT0(mem)
				}
				l.ADDQ(l.lane, l.far)
			}
			l.ADDQ(l.lane, l.p)
		}
		l.SUBQ(l.stride, l.p)
		for i, r := range rows {
			for _, x := range r {
				l.VPSHUFB(swap, x, x)
			}
			for n, x := range l.transpose(r) {
				l.move(x, l.at(wordsAt+(first+i)*len(r)+n))
			}
		}
	}
	l.SUBQ(l.stride, l.far)
	for _, p := range []reg.Register{l.p, l.far} {
		l.ADDQ(I32(16*l.word), p)
	}
}

// transpose exchanges rows and words within 16 bytes.
func (l *lanes) transpose(r []reg.VecVirtual) []reg.VecVirtual {
	pair := func(op func(...Op), a, b reg.VecVirtual) reg.VecVirtual {
		x := l.vector()
		op(b, a, x)
		return x
	}
	if l.word == 8 {
		return []reg.VecVirtual{pair(l.VPUNPCKLQDQ, r[0], r[1]), pair(l.VPUNPCKHQDQ, r[0], r[1])}
	}
	low01, high01 := pair(l.VPUNPCKLDQ, r[0], r[1]), pair(l.VPUNPCKHDQ, r[0], r[1])
	low23, high23 := pair(l.VPUNPCKLDQ, r[2], r[3]), pair(l.VPUNPCKHDQ, r[2], r[3])
	return []reg.VecVirtual{
		pair(l.VPUNPCKLQDQ, low01, low23), pair(l.VPUNPCKHQDQ, low01, low23),
		pair(l.VPUNPCKLQDQ, high01, high23), pair(l.VPUNPCKHQDQ, high01, high23),
	}
}

// keep makes this line's words those of the line before, if the window reaches
// back there.
func (l *lanes) keep() {
	words := l.GP64()
	l.LEAQ(l.at(wordsAt), words)
	l.CMPQ(words, l.window)
	l.JEQ(LabelRef("kept"))
	l.copy(l.at(wordsAt), l.at(beforeAt), 16)
	l.Label("kept")
}

// finish writes the digests, or what the next call goes on with.
func (l *lanes) finish() {
	l.CMPQ(l.field(l.job, "job.finish"), Imm(0))
	l.JNE(LabelRef("finish"))
	l.copy(l.at(statesAt), l.field(l.job, "lineJob.states"), 8)
	l.copy(l.at(beforeAt), l.field(l.job, "lineJob.before"), 16)
	l.JMP(LabelRef("done"))

	l.Label("finish")
	swap := l.vector()
	l.spread16(l.swap, swap)
	l.MOVQ(l.dst, l.p)
	l.MOVQ(l.field(l.job, "lineJob.digest"), l.lane)
	l.strides()
	words := 16 / l.word
	for first := 0; first < 8; first += words {
		if l.word == 8 && first == 6 { // SHA-384 leaves out the last two of SHA-512
			l.CMPQ(l.lane, Imm(48))
			l.JEQ(LabelRef("short"))
		}
		var states []reg.VecVirtual
		for i := range words {
			x := l.vector()
			l.move(l.at(statesAt+first+i), x)
			states = append(states, x)
		}
		for _, row := range l.transpose(states) {
			l.VPSHUFB(swap, row, row)
			l.scatter(row, l.places(l.p, first*l.word))
			l.ADDQ(l.lane, l.p)
		}
		l.SUBQ(l.stride, l.p)
	}
	l.Label("short")
	for range l.parts() {
		l.ADDQ(l.stride, l.dst)
	}
	l.Label("done")
}
