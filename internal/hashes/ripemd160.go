package hashes

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// ripemd160 is RIPEMD-160 as ISO/IEC 10118-3:2004 and "RIPEMD-160: A Strengthened Version
// of RIPEMD" (Dobbertin, Bosselaers, Preneel, 1996, appendix A) have it. Its state can be
// saved, which golang.org/x/crypto's cannot: HMAC takes twice as long without that.
type ripemd160 struct {
	state [5]uint32
	buf   buffer64
}

var ripemd160IV = [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}

// ripemd160Step is which word of the block a step takes, and by how many bits it rotates.
type ripemd160Step struct{ word, turn uint8 }

// The steps of the two lines.
var (
	ripemd160Left = [80]ripemd160Step{
		{0, 11},
		{1, 14},
		{2, 15},
		{3, 12},
		{4, 5},
		{5, 8},
		{6, 7},
		{7, 9},
		{8, 11},
		{9, 13},
		{10, 14},
		{11, 15},
		{12, 6},
		{13, 7},
		{14, 9},
		{15, 8},
		{7, 7},
		{4, 6},
		{13, 8},
		{1, 13},
		{10, 11},
		{6, 9},
		{15, 7},
		{3, 15},
		{12, 7},
		{0, 12},
		{9, 15},
		{5, 9},
		{2, 11},
		{14, 7},
		{11, 13},
		{8, 12},
		{3, 11},
		{10, 13},
		{14, 6},
		{4, 7},
		{9, 14},
		{15, 9},
		{8, 13},
		{1, 15},
		{2, 14},
		{7, 8},
		{0, 13},
		{6, 6},
		{13, 5},
		{11, 12},
		{5, 7},
		{12, 5},
		{1, 11},
		{9, 12},
		{11, 14},
		{10, 15},
		{0, 14},
		{8, 15},
		{12, 9},
		{4, 8},
		{13, 9},
		{3, 14},
		{7, 5},
		{15, 6},
		{14, 8},
		{5, 6},
		{6, 5},
		{2, 12},
		{4, 9},
		{0, 15},
		{5, 5},
		{9, 11},
		{7, 6},
		{12, 8},
		{2, 13},
		{10, 12},
		{14, 5},
		{1, 12},
		{3, 13},
		{8, 14},
		{11, 11},
		{6, 8},
		{15, 5},
		{13, 6},
	}
	ripemd160Right = [80]ripemd160Step{
		{5, 8},
		{14, 9},
		{7, 9},
		{0, 11},
		{9, 13},
		{2, 15},
		{11, 15},
		{4, 5},
		{13, 7},
		{6, 7},
		{15, 8},
		{8, 11},
		{1, 14},
		{10, 14},
		{3, 12},
		{12, 6},
		{6, 9},
		{11, 13},
		{3, 15},
		{7, 7},
		{0, 12},
		{13, 8},
		{5, 9},
		{10, 11},
		{14, 7},
		{15, 7},
		{8, 12},
		{12, 7},
		{4, 6},
		{9, 15},
		{1, 13},
		{2, 11},
		{15, 9},
		{5, 7},
		{1, 15},
		{3, 11},
		{7, 8},
		{14, 6},
		{6, 6},
		{9, 14},
		{11, 12},
		{8, 13},
		{12, 5},
		{2, 14},
		{10, 13},
		{0, 13},
		{4, 7},
		{13, 5},
		{8, 15},
		{6, 5},
		{4, 8},
		{1, 11},
		{3, 14},
		{11, 14},
		{15, 6},
		{0, 14},
		{5, 6},
		{12, 9},
		{2, 12},
		{13, 9},
		{9, 12},
		{7, 5},
		{10, 15},
		{14, 8},
		{12, 8},
		{15, 5},
		{10, 12},
		{4, 9},
		{1, 12},
		{5, 5},
		{8, 14},
		{7, 6},
		{6, 8},
		{2, 13},
		{13, 6},
		{14, 5},
		{0, 15},
		{3, 13},
		{9, 11},
		{11, 11},
	}
)

func newRIPEMD160() hash.Hash { return &ripemd160{state: ripemd160IV} }

func (h *ripemd160) Size() int      { return 20 }
func (h *ripemd160) BlockSize() int { return 64 }

func (h *ripemd160) Reset() {
	h.state = ripemd160IV
	h.buf.reset()
}

func (h *ripemd160) Write(p []byte) (int, error) {
	n := len(p)
	for run := p; len(p) > 0; h.blocks(run) {
		run, p = h.buf.take(p)
	}
	return n, nil
}

func (h *ripemd160) Sum(b []byte) []byte {
	last := *h
	end := last.buf.pad(8)
	binary.LittleEndian.PutUint64(end[len(end)-8:], h.buf.length<<3)
	last.blocks(end)
	for _, word := range last.state {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return b
}

// MarshalBinary saves the state, as crypto/hmac does once for a key.
func (h *ripemd160) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 20+64+8)
	for _, word := range h.state {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return h.buf.save(b), nil
}

// UnmarshalBinary takes a saved state.
func (h *ripemd160) UnmarshalBinary(b []byte) error {
	if len(b) < 20 {
		return errSavedState
	}
	for i := range h.state {
		h.state[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return h.buf.load(b[20:])
}

// blocks runs the compression function over whole blocks. The two lines go side by side:
// each step waits for the one before, but not for the other line.
func (h *ripemd160) blocks(blocks []byte) {
	for ; len(blocks) >= 64; blocks = blocks[64:] {
		var x [16]uint32
		for i := range x {
			x[i] = binary.LittleEndian.Uint32(blocks[4*i:])
		}
		h.compress(&x)
	}
}

// compress takes one block in.
func (h *ripemd160) compress(x *[16]uint32) {
	a, b, c, d, e := h.state[0], h.state[1], h.state[2], h.state[3], h.state[4]
	p, q, r, s, t := a, b, c, d, e
	for i := range 16 {
		l, m := &ripemd160Left[i], &ripemd160Right[i]
		a = bits.RotateLeft32(a+(b^c^d)+x[l.word&15], int(l.turn)) + e
		p = bits.RotateLeft32(p+(q^(r|^s))+x[m.word&15]+0x50a28be6, int(m.turn)) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 16; i < 32; i++ {
		l, m := &ripemd160Left[i], &ripemd160Right[i]
		a = bits.RotateLeft32(a+(b&c|^b&d)+x[l.word&15]+0x5a827999, int(l.turn)) + e
		p = bits.RotateLeft32(p+(q&s|r&^s)+x[m.word&15]+0x5c4dd124, int(m.turn)) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 32; i < 48; i++ {
		l, m := &ripemd160Left[i], &ripemd160Right[i]
		a = bits.RotateLeft32(a+((b|^c)^d)+x[l.word&15]+0x6ed9eba1, int(l.turn)) + e
		p = bits.RotateLeft32(p+((q|^r)^s)+x[m.word&15]+0x6d703ef3, int(m.turn)) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 48; i < 64; i++ {
		l, m := &ripemd160Left[i], &ripemd160Right[i]
		a = bits.RotateLeft32(a+(b&d|c&^d)+x[l.word&15]+0x8f1bbcdc, int(l.turn)) + e
		p = bits.RotateLeft32(p+(q&r|^q&s)+x[m.word&15]+0x7a6d76e9, int(m.turn)) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 64; i < 80; i++ {
		l, m := &ripemd160Left[i], &ripemd160Right[i]
		a = bits.RotateLeft32(a+(b^(c|^d))+x[l.word&15]+0xa953fd4e, int(l.turn)) + e
		p = bits.RotateLeft32(p+(q^r^s)+x[m.word&15], int(m.turn)) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	v := &h.state
	v[0], v[1], v[2], v[3], v[4] = v[1]+c+s, v[2]+d+t, v[3]+e+p, v[4]+a+q, v[0]+b+r
}
