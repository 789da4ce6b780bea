package hashes

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// sm3 is the Chinese standard hash GB/T 32905-2016, also ISO/IEC 10118-3:2018
// (text: draft-sca-cfrg-sm3-02).
type sm3 struct {
	state [8]uint32
	buf   buffer64
}

// sm3IV is the initial value, section 4.1 of the draft.
var sm3IV = [8]uint32{
	0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
	0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
}

// The round constants T of rounds 0 to 15 and 16 to 63, section 4.2.
const (
	sm3TEarly = 0x79cc4519
	sm3TLate  = 0x7a879d8a
)

func newSM3() hash.Hash { return &sm3{state: sm3IV} }

func (s *sm3) Size() int      { return 32 }
func (s *sm3) BlockSize() int { return 64 }

func (s *sm3) Reset() {
	s.state = sm3IV
	s.buf.reset()
}

func (s *sm3) Write(p []byte) (int, error) {
	n := len(p)
	for run := p; len(p) > 0; s.blocks(run) {
		run, p = s.buf.take(p)
	}
	return n, nil
}

func (s *sm3) Sum(b []byte) []byte {
	last := *s
	end := last.buf.pad(8)
	binary.BigEndian.PutUint64(end[len(end)-8:], s.buf.length<<3)
	last.blocks(end)
	for _, v := range last.state {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// MarshalBinary saves the state, as crypto/hmac does once for a key.
func (s *sm3) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 32+64+8)
	for _, v := range s.state {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return s.buf.save(b), nil
}

// UnmarshalBinary takes a saved state.
func (s *sm3) UnmarshalBinary(b []byte) error {
	if len(b) < 32 {
		return errSavedState
	}
	for i := range s.state {
		s.state[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return s.buf.load(b[32:])
}

// blocks compresses whole blocks into the state, section 5.3.
func (s *sm3) blocks(p []byte) {
	var w [68]uint32
	for ; len(p) >= 64; p = p[64:] {
		sm3Expand(&w, p)
		a, b, c, d := s.state[0], s.state[1], s.state[2], s.state[3]
		e, f, g, h := s.state[4], s.state[5], s.state[6], s.state[7]
		t := uint32(sm3TEarly)
		for j := range 64 {
			if j == 16 {
				t = bits.RotateLeft32(sm3TLate, 16)
			}
			a12 := bits.RotateLeft32(a, 12)
			ss1 := bits.RotateLeft32(a12+e+t, 7)
			t = bits.RotateLeft32(t, 1)
			ff, gg := a^b^c, e^f^g
			if j >= 16 {
				ff, gg = a&b|(a|b)&c, g^e&(f^g)
			}
			tt1 := ff + d + (ss1 ^ a12) + (w[j] ^ w[j+4])
			tt2 := gg + h + ss1 + w[j]
			a, b, c, d = tt1, a, bits.RotateLeft32(b, 9), c
			e, f, g, h = tt2^bits.RotateLeft32(tt2, 9)^bits.RotateLeft32(tt2, 17), e, bits.RotateLeft32(f, 19), g
		}
		s.state[0] ^= a
		s.state[1] ^= b
		s.state[2] ^= c
		s.state[3] ^= d
		s.state[4] ^= e
		s.state[5] ^= f
		s.state[6] ^= g
		s.state[7] ^= h
	}
}

// sm3Expand makes the words W0 to W67 of one block, section 5.3.2.
func sm3Expand(w *[68]uint32, p []byte) {
	for j := range 16 {
		w[j] = binary.BigEndian.Uint32(p[4*j:])
	}
	for j := 16; j < len(w); j++ {
		x := w[j-16] ^ w[j-9] ^ bits.RotateLeft32(w[j-3], 15)
		x ^= bits.RotateLeft32(x, 15) ^ bits.RotateLeft32(x, 23)
		w[j] = x ^ bits.RotateLeft32(w[j-13], 7) ^ w[j-6]
	}
}
