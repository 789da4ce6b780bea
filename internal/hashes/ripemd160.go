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

// Which word of the block each step of the two lines takes, and by how many bits it rotates:
// a row for each round.
var (
	ripemd160LeftWord = [80]uint8{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
		3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
		1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
		4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
	}
	ripemd160RightWord = [80]uint8{
		5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
		6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
		15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
		8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
		12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
	}
	ripemd160LeftTurn = [80]uint8{
		11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
		7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
		11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
		11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
		9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
	}
	ripemd160RightTurn = [80]uint8{
		8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
		9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
		9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
		15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
		8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
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
		a = bits.RotateLeft32(a+(b^c^d)+x[ripemd160LeftWord[i]&15], int(ripemd160LeftTurn[i])) + e
		p = bits.RotateLeft32(p+(q^(r|^s))+x[ripemd160RightWord[i]&15]+0x50a28be6, int(ripemd160RightTurn[i])) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 16; i < 32; i++ {
		a = bits.RotateLeft32(a+(b&c|^b&d)+x[ripemd160LeftWord[i]&15]+0x5a827999, int(ripemd160LeftTurn[i])) + e
		p = bits.RotateLeft32(p+(q&s|r&^s)+x[ripemd160RightWord[i]&15]+0x5c4dd124, int(ripemd160RightTurn[i])) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 32; i < 48; i++ {
		a = bits.RotateLeft32(a+((b|^c)^d)+x[ripemd160LeftWord[i]&15]+0x6ed9eba1, int(ripemd160LeftTurn[i])) + e
		p = bits.RotateLeft32(p+((q|^r)^s)+x[ripemd160RightWord[i]&15]+0x6d703ef3, int(ripemd160RightTurn[i])) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 48; i < 64; i++ {
		a = bits.RotateLeft32(a+(b&d|c&^d)+x[ripemd160LeftWord[i]&15]+0x8f1bbcdc, int(ripemd160LeftTurn[i])) + e
		p = bits.RotateLeft32(p+(q&r|^q&s)+x[ripemd160RightWord[i]&15]+0x7a6d76e9, int(ripemd160RightTurn[i])) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	for i := 64; i < 80; i++ {
		a = bits.RotateLeft32(a+(b^(c|^d))+x[ripemd160LeftWord[i]&15]+0xa953fd4e, int(ripemd160LeftTurn[i])) + e
		p = bits.RotateLeft32(p+(q^r^s)+x[ripemd160RightWord[i]&15], int(ripemd160RightTurn[i])) + t
		a, b, c, d, e = e, a, b, bits.RotateLeft32(c, 10), d
		p, q, r, s, t = t, p, q, bits.RotateLeft32(r, 10), s
	}
	v := &h.state
	v[0], v[1], v[2], v[3], v[4] = v[1]+c+s, v[2]+d+t, v[3]+e+p, v[4]+a+q, v[0]+b+r
}
