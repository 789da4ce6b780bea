//go:build (amd64 || arm64) && !purego

package multihash

import (
	"encoding/binary"
	"unsafe"
)

// kernel is what there is to know about an implementation in assembly to use it.
type kernel struct {
	lanes int    // blocks of a group
	again int    // so many blocks behind the last group are worth another, filled up with blocks that were done already; 0: none are
	lines bool   // takes a lineJob, not a pieceJob
	state [8]int // which word of the state comes first in memory, which second, …
}

// sumFast hashes groups of as many blocks as an implementation has lanes, with
// the best one first, and returns how many blocks that were.
func (b *batch) sumFast(dst, blocks []byte, blockSize int) int {
	done, all := 0, len(blocks)/blockSize
	for _, i := range b.next {
		lanes, again := kernels[i].lanes, kernels[i].again
		if all-done < lanes || !b.fits(i, blockSize) {
			continue
		}
		rest := (all - done) % lanes
		b.sumGroups(i, dst, blocks, blockSize, done, all-rest)
		// What comes after is so much slower that a few blocks take it as long as a group.
		if again > 0 && rest >= again {
			b.sumGroups(i, dst, blocks, blockSize, all-lanes, all)
			rest = 0
		}
		done = all - rest
	}
	return done
}

// sumGroups hashes the blocks from number first up to number end.
func (b *batch) sumGroups(i impl, dst, blocks []byte, blockSize, first, end int) {
	dst, blocks = dst[first*b.f.size:end*b.f.size], blocks[first*blockSize:end*blockSize]
	raceRead(blocks)
	raceWrite(dst)
	if kernels[i].lines {
		b.sumLines(i, dst, blocks, blockSize)
	} else {
		b.sumPieces(i, dst, blocks, blockSize)
	}
}

// fits reports whether a message can be laid out in the kind of job that an
// implementation takes.
func (b *batch) fits(i impl, blockSize int) bool {
	if kernels[i].lines && (blockSize%b.f.piece != 0 || len(b.head)%b.f.word != 0) {
		return false
	}
	return blockSize >= b.f.piece && len(b.suffix) <= maxSuffix
}

// sumPieces hashes groups of blocks with a kernel that reads pieces where they are.
func (b *batch) sumPieces(i impl, dst, blocks []byte, blockSize int) {
	var (
		j     pieceJob
		piece = b.f.piece
		lanes = kernels[i].lanes
		skip  int // bytes of the block that are in the piece with the head
	)
	j.begin(b, i, blockSize)
	if len(b.head) > 0 {
		skip = piece - len(b.head)
		for n := range lanes {
			copy(j.heads[n][:], b.head)
		}
		at := int(unsafe.Offsetof(j.heads))
		j.head = at + len(b.head)
		j.add(phase{inJob: 1, offset: at, lane: len(lane{}), count: 1})
	}
	whole, rest := (blockSize-skip)/piece, (blockSize-skip)%piece
	j.add(phase{offset: skip, lane: blockSize, count: whole, ahead: lanes * blockSize})
	count, own := b.end(&j.ending, rest, blockSize), 0
	if rest > 0 {
		own = 1 // piece that each lane has for itself
		for n := range lanes {
			copy(j.tails[n][piece:], j.ending[:piece])
		}
		at := int(unsafe.Offsetof(j.tails))
		j.tail = at + rest
		j.add(phase{inJob: 1, offset: at + piece, lane: len(lane{}), count: own})
	}
	j.add(phase{inJob: 1, offset: int(unsafe.Offsetof(j.ending)) + own*piece, count: count - own})
	i.run(&j.job, dst, blocks, b.f)
}

// sumLines hashes groups of blocks with a kernel that reads lines. Every piece
// begins as many words before a line as there are in the head.
func (b *batch) sumLines(i impl, dst, blocks []byte, blockSize int) {
	var (
		j     lineJob
		piece = b.f.piece
		lanes = kernels[i].lanes
	)
	j.begin(b, i, blockSize)
	j.digest = b.f.size
	j.window = (piece - len(b.head)) / b.f.word * (lanes * b.f.word)
	for at := 0; at < len(b.head); at += b.f.word {
		b.f.putWord(j.head[piece-len(b.head)+at:], b.f.wordOf(b.head[at:]))
	}
	j.add(phase{lane: blockSize, count: blockSize / piece, ahead: lanes * blockSize})
	count := b.end(&j.ending, len(b.head), blockSize)
	j.add(phase{inJob: 1, offset: int(unsafe.Offsetof(j.ending)) + len(b.head), count: count})
	i.run(&j.job, dst, blocks, b.f)
}

// begin fills in what all kinds of kernels want to know.
func (j *job) begin(b *batch, i impl, blockSize int) {
	j.block = blockSize
	for n, word := range kernels[i].state {
		b.f.putWord(j.state[n*b.f.word:], b.state[word])
	}
}

// putWord writes a word as processors have it in memory.
func (f *function) putWord(p []byte, word uint64) {
	if f.word == 4 {
		binary.LittleEndian.PutUint32(p, uint32(word))
	} else {
		binary.LittleEndian.PutUint64(p, word)
	}
}

// add appends a phase, if there is something to do in it.
func (j *job) add(p phase) {
	if p.count > 0 {
		j.phases[j.live] = p
		j.live++
	}
}

// end writes the end of a message, which begins with a rest of the block that is
// no whole piece, and returns how many pieces it has: the suffix and the padding
// of FIPS 180-4, section 5.1.
func (b *batch) end(e *ending, rest, blockSize int) (pieces int) {
	n := rest + copy(e[rest:], b.suffix)
	e[n] = 0x80
	pieces = (n + 1 + b.f.length + b.f.piece - 1) / b.f.piece
	bits := uint64(len(b.prefix)+blockSize+len(b.suffix)) * 8
	binary.BigEndian.PutUint64(e[pieces*b.f.piece-8:], bits)
	return pieces
}

// mostBytes is how much of the blocks one call of assembly hashes, because it
// cannot be preempted.
const mostBytes = 64 << 10

// run calls the kernel as often as it takes.
func (i impl) run(j *job, dst, blocks []byte, f *function) {
	lanes := kernels[i].lanes
	group := lanes * j.block
	if group > mostBytes {
		for ; len(blocks) > 0; dst, blocks = dst[lanes*f.size:], blocks[group:] {
			i.runParts(j, &dst[0], &blocks[0], f.piece)
		}
		return
	}
	j.finish = 1
	for len(blocks) > 0 {
		groups := min(mostBytes, len(blocks)) / group
		i.call(j, &dst[0], &blocks[0], groups)
		dst, blocks = dst[groups*lanes*f.size:], blocks[groups*group:]
	}
}

// runParts hashes a group of large blocks in several calls, the states of which
// stay in the job in between.
func (i impl) runParts(j *job, dst, src *byte, piece int) {
	all := *j
	j.resume, j.finish = 0, 0
	for at, done := 0, 0; at < all.live; j.resume = 1 { // done: pieces of phase at
		j.live = 0
		for left := mostBytes / kernels[i].lanes / piece; left > 0 && at < all.live; j.live++ {
			p := all.phases[at]
			p.offset += done * piece
			p.count = min(left, p.count-done)
			j.phases[j.live] = p
			left -= p.count
			done += p.count
			if done == all.phases[at].count {
				at, done = at+1, 0
			}
		}
		if at == all.live {
			j.finish = 1
		}
		i.call(j, dst, src, 1)
	}
	*j = all
}
