package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A register of 512 bits holds the same word of as many messages as it has room
// for, so that a message is a lane and all instructions do the same for all. The
// blocks have to be turned into that form: a line, which is as much of a block as
// the hash function takes at a time, becomes 16 registers.
//
// With a salt in front, a piece of the message is not a line: it begins in one
// line and ends in the next. Reading it where it is would fetch each line twice,
// and lines of blocks that lie 4096 bytes apart compete for the same few places in
// the first cache. So lines are read as they are, once, and a piece is a window
// over the words of the line before and of this one.

// lanes512 is a kernel with 512-bit registers.
type lanes512 struct {
	*kernel
	sha
	k, swap               Mem
	frame                 reg.Register // words before, words, states: 16, 16 and 8 registers
	p, far                reg.Register // first lane's line and what to fetch into the cache
	lane, stride, stride3 reg.Register // bytes from lane to lane; to the next lane in a register of rows; three times that
	window                reg.Register // first word of the piece
	kp                    reg.Register
}

// sha is what differs between SHA-256 and SHA-512.
type sha struct {
	word           int // bytes
	rounds         int
	sigma0, sigma1 [3]uint64 // Σ: rotations
	s0, s1         [3]uint64 // σ: two rotations and a shift
}

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

const (
	zmm       = 64       // bytes of a register
	wordsAt   = 16 * zmm // in the frame
	statesAt  = 32 * zmm
	leftAt    = 40 * zmm
	kEndAt    = leftAt + 8
	frameSize = kEndAt + 8
)

// sha256x16 writes SHA-256 of 16 blocks.
func sha256x16(f *file) {
	l := &lanes512{
		sha:  sha256,
		k:    f.words32("k", k256[:]),
		swap: f.words64("swap", swap32...),
	}
	l.kernel = f.kernel("sha256x16", "hashes groups of 16 blocks with AVX-512.", 16)
	l.write()
}

// sha512x8 writes SHA-512 of eight blocks.
func sha512x8(f *file) {
	l := &lanes512{
		sha:  sha512,
		k:    f.words64("k", k512[:]...),
		swap: f.words64("swap", swap64...),
	}
	l.kernel = f.kernel("sha512x8", "hashes groups of eight blocks with AVX-512.", 8)
	l.write()
}

func (l *lanes512) write() {
	l.Attributes(0)
	phase, count := l.GP64(), l.GP64()
	l.frame = l.GP64()
	l.p, l.far = l.GP64(), l.GP64()
	l.lane, l.stride, l.stride3 = l.GP64(), l.GP64(), l.GP64()
	l.window, l.kp = l.GP64(), l.GP64()

	l.LEAQ(l.AllocLocal(frameSize+zmm), l.frame)
	l.ADDQ(Imm(zmm-1), l.frame)
	l.ANDQ(I8(-zmm), l.frame)
	l.LEAQ(l.k.Offset((l.rounds-16)*l.word), l.kp)
	l.MOVQ(l.kp, l.at(kEndAt))
	l.MOVQ(l.field(l.job, "lineJob.window"), l.window)
	l.ADDQ(l.frame, l.window)

	l.Label("group")
	l.start()
	l.MOVQ(l.job, phase)
	left := l.GP64()
	l.MOVQ(l.field(l.job, "job.live"), left)
	l.MOVQ(left, l.at(leftAt))

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
	l.DECQ(l.at(leftAt))
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
func (l *lanes512) at(offset int) Mem { return Mem{Base: l.frame, Disp: offset} }

// rows is how many registers it takes to hold 16 bytes of every lane.
func (l *lanes512) rows() int { return l.lanes / 4 }

// strides prepares places for what lies l.lane bytes apart.
func (l *lanes512) strides() {
	l.IMUL3Q(Imm(uint64(l.rows())), l.lane, l.stride)
	l.LEAQ(Mem{Base: l.stride, Index: l.stride, Scale: 2}, l.stride3)
}

// places returns where the four parts of a row are, p being the place of the first.
func (l *lanes512) places(p reg.Register, offset int) [4]Mem {
	return [4]Mem{
		{Base: p, Disp: offset},
		{Base: p, Disp: offset, Index: l.stride, Scale: 1},
		{Base: p, Disp: offset, Index: l.stride, Scale: 2},
		{Base: p, Disp: offset, Index: l.stride3, Scale: 1},
	}
}

// start sets up the states and the words before the first line: those of the
// last call, or what the job begins with.
func (l *lanes512) start() {
	states, before := l.field(l.job, "lineJob.states"), l.field(l.job, "lineJob.before")
	l.CMPQ(l.field(l.job, "job.resume"), Imm(0))
	l.JNE(LabelRef("resume"))
	for i := range 8 {
		l.spread(l.field(l.job, "job.state").Offset(i*l.word), l.at(statesAt+i*zmm))
	}
	for i := range 16 {
		l.spread(l.field(l.job, "lineJob.head").Offset(i*l.word), l.at(i*zmm))
	}
	l.JMP(LabelRef("started"))
	l.Label("resume")
	l.copy(states, l.at(statesAt), 8)
	l.copy(before, l.at(0), 16)
	l.Label("started")
}

// spread puts a word in all lanes.
func (l *lanes512) spread(word, to Mem) {
	x := l.ZMM()
	if l.word == 4 {
		l.VPBROADCASTD(word, x)
	} else {
		l.VPBROADCASTQ(word, x)
	}
	l.VMOVDQA64(x, to)
}

// copy copies so many registers.
func (l *lanes512) copy(from, to Mem, n int) {
	for i := range n {
		x := l.ZMM()
		l.VMOVDQU64(from.Offset(i*zmm), x)
		l.VMOVDQU64(x, to.Offset(i*zmm))
	}
}

// load turns the next line of every lane into words. A row is a register with 16
// bytes of every fourth lane (SHA-512: of every second).
func (l *lanes512) load() {
	swap := l.ZMM()
	l.VBROADCASTI32X4(l.swap, swap)
	pieces := 16 * l.word / 16
	rows := make([][]reg.VecVirtual, pieces)
	for row := range l.rows() {
		// One line after the other: 16 of them might not fit the cache.
		for i := range pieces {
			r := l.ZMM()
			l.VBROADCASTI32X4(Mem{Base: l.p, Disp: 16 * i}, r)
			rows[i] = append(rows[i], r)
		}
		l.PREFETCHT0(Mem{Base: l.far})
		for n := 1; n < 4; n++ {
			for i := range pieces {
				l.VINSERTI32X4(Imm(uint64(n)), l.places(l.p, 16*i)[n], rows[i][row], rows[i][row])
			}
			l.PREFETCHT0(l.places(l.far, 0)[n])
		}
		l.ADDQ(l.lane, l.p)
		l.ADDQ(l.lane, l.far)
	}
	for _, p := range []reg.Register{l.p, l.far} {
		l.SUBQ(l.stride, p)
		l.ADDQ(I32(16*l.word), p)
	}
	for i, r := range rows {
		for _, x := range r {
			l.VPSHUFB(swap, x, x)
		}
		for n, x := range l.transpose(r) {
			l.VMOVDQA64(x, l.at(wordsAt+(i*len(r)+n)*zmm))
		}
	}
}

// transpose exchanges rows and words within 16 bytes.
func (l *lanes512) transpose(r []reg.VecVirtual) []reg.VecVirtual {
	pair := func(op func(...Op), a, b reg.VecVirtual) reg.VecVirtual {
		x := l.ZMM()
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

// compress feeds the piece in the window to the states.
func (l *lanes512) compress() {
	var s [8]reg.VecVirtual
	var w [16]reg.VecVirtual
	for i := range s {
		s[i] = l.ZMM()
		l.VMOVDQA64(l.at(statesAt+i*zmm), s[i])
	}
	for i := range w {
		w[i] = l.ZMM()
		l.VMOVDQA64(Mem{Base: l.window, Disp: i * zmm}, w[i])
	}
	l.LEAQ(l.k, l.kp)
	l.Label("rounds")
	for i := range 16 {
		l.round(&s, w[i], i)
		l.schedule(w[i], w[(i+1)%16], w[(i+9)%16], w[(i+14)%16])
	}
	l.ADDQ(I32(16*l.word), l.kp)
	l.CMPQ(l.kp, l.at(kEndAt))
	l.JNE(LabelRef("rounds"))
	for i := range 16 {
		l.round(&s, w[i], i)
	}
	for i := range s {
		l.add(l.at(statesAt+i*zmm), s[i], s[i])
		l.VMOVDQA64(s[i], l.at(statesAt+i*zmm))
	}
}

// round does one round of all messages and turns the working variables a to h by
// one place. FIPS 180-4, 6.2.2 and 6.4.2.
func (l *lanes512) round(s *[8]reg.VecVirtual, w reg.VecVirtual, i int) {
	a, b, c, d, e, f, g, h := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
	x := l.ZMM()
	l.addEach(Mem{Base: l.kp, Disp: i * l.word}, w, x)
	l.add(x, h, h)
	l.add(l.mix(e, l.sigma1, l.rotate), h, h)
	l.add(l.choose(0xca, e, f, g), h, h) // bits of f where e has ones, else of g
	l.add(h, d, d)
	l.add(l.mix(a, l.sigma0, l.rotate), h, h)
	l.add(l.choose(0xe8, a, b, c), h, h) // bits that most have
	copy(s[:], []reg.VecVirtual{h, a, b, c, d, e, f, g})
}

// schedule makes the word that comes 16 after w, given those 1, 9 and 14 after it.
func (l *lanes512) schedule(w, w1, w9, w14 reg.VecVirtual) {
	l.add(w9, w, w)
	l.add(l.mix(w1, l.s0, l.shift), w, w)
	l.add(l.mix(w14, l.s1, l.shift), w, w)
}

// mix returns the exclusive or of x turned by three counts, the last by way of op.
func (l *lanes512) mix(x reg.VecVirtual, counts [3]uint64, op func(Op, Op, Op)) reg.VecVirtual {
	m := [3]reg.VecVirtual{l.ZMM(), l.ZMM(), l.ZMM()}
	l.rotate(Imm(counts[0]), x, m[0])
	l.rotate(Imm(counts[1]), x, m[1])
	op(Imm(counts[2]), x, m[2])
	l.ternary(0x96, m[2], m[1], m[0])
	return m[0]
}

// choose returns a function of three bits at each place.
func (l *lanes512) choose(table uint64, x, y, z reg.VecVirtual) reg.VecVirtual {
	sum := l.ZMM()
	l.VMOVDQA64(x, sum)
	l.ternary(table, z, y, sum)
	return sum
}

func (l *lanes512) ternary(table uint64, z, y, x reg.VecVirtual) {
	if l.word == 4 {
		l.VPTERNLOGD(Imm(table), z, y, x)
	} else {
		l.VPTERNLOGQ(Imm(table), z, y, x)
	}
}

func (l *lanes512) rotate(count, x, to Op) {
	if l.word == 4 {
		l.VPRORD(count, x, to)
	} else {
		l.VPRORQ(count, x, to)
	}
}

func (l *lanes512) shift(count, x, to Op) {
	if l.word == 4 {
		l.VPSRLD(count, x, to)
	} else {
		l.VPSRLQ(count, x, to)
	}
}

func (l *lanes512) add(b Op, a, sum reg.VecVirtual) {
	if l.word == 4 {
		l.VPADDD(b, a, sum)
	} else {
		l.VPADDQ(b, a, sum)
	}
}

// addEach adds one word to all lanes.
func (l *lanes512) addEach(b Mem, a, sum reg.VecVirtual) {
	if l.word == 4 {
		l.VPADDD_BCST(b, a, sum)
	} else {
		l.VPADDQ_BCST(b, a, sum)
	}
}

// keep makes this line's words those of the line before, if the window reaches
// back there.
func (l *lanes512) keep() {
	x := l.GP64()
	l.LEAQ(l.at(wordsAt), x)
	l.CMPQ(x, l.window)
	l.JEQ(LabelRef("kept"))
	l.copy(l.at(wordsAt), l.at(0), 16)
	l.Label("kept")
}

// finish writes the digests, or what the next call goes on with.
func (l *lanes512) finish() {
	l.CMPQ(l.field(l.job, "job.finish"), Imm(0))
	l.JNE(LabelRef("finish"))
	l.copy(l.at(statesAt), l.field(l.job, "lineJob.states"), 8)
	l.copy(l.at(0), l.field(l.job, "lineJob.before"), 16)
	l.JMP(LabelRef("done"))
	l.Label("finish")
	swap := l.ZMM()
	l.VBROADCASTI32X4(l.swap, swap)
	l.MOVQ(l.dst, l.p)
	l.MOVQ(l.field(l.job, "lineJob.digest"), l.lane)
	l.strides()
	words := 16 / l.word
	for first := 0; first < 8; first += words {
		if first == 6 { // SHA-384 leaves out the last two of SHA-512
			l.CMPQ(l.lane, Imm(48))
			l.JEQ(LabelRef("short"))
		}
		var states []reg.VecVirtual
		for i := range words {
			x := l.ZMM()
			l.VMOVDQA64(l.at(statesAt+(first+i)*zmm), x)
			states = append(states, x)
		}
		for _, row := range l.transpose(states) {
			l.VPSHUFB(swap, row, row)
			for n, mem := range l.places(l.p, first*l.word) {
				l.VEXTRACTI32X4(Imm(uint64(n)), row, mem)
			}
			l.ADDQ(l.lane, l.p)
		}
		l.SUBQ(l.stride, l.p)
	}
	l.Label("short")
	l.LEAQ(Mem{Base: l.dst, Index: l.stride, Scale: 4}, l.dst)
	l.Label("done")
}
