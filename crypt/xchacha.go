package crypt

import (
	"encoding/binary"
	"math/bits"
)

// xchachaBlock returns the first 64 bytes of the key stream of XChaCha with that
// many rounds (draft-irtf-cfrg-xchacha-03) for a key of 32 bytes and the nonce
// that is a number of 24 bytes, little-endian.
func xchachaBlock(key []byte, nonce uint32, rounds int) (stream [64]byte) {
	// HChaCha: the permuted state without the sums, its first and last row.
	state := chachaState(key, nonce)
	state.permute(rounds)
	var subkey [32]byte
	for i := range 4 {
		binary.LittleEndian.PutUint32(subkey[4*i:], state[i])
		binary.LittleEndian.PutUint32(subkey[16+4*i:], state[12+i])
	}
	first := chachaState(subkey[:], 0)
	state = first
	state.permute(rounds)
	for i, word := range state {
		binary.LittleEndian.PutUint32(stream[4*i:], word+first[i])
	}
	return stream
}

// chacha is the state of ChaCha (RFC 8439, 2.3).
type chacha [16]uint32

// chachaState returns the state whose last row holds first and zeros.
func chachaState(key []byte, first uint32) chacha {
	s := chacha{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 12: first}
	for i := range 8 {
		s[4+i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	return s
}

// permute does an even number of rounds.
func (s *chacha) permute(rounds int) {
	for range rounds / 2 {
		for i := range 4 {
			s.quarter(i, 4+i, 8+i, 12+i)
		}
		for i := range 4 {
			s.quarter(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4)
		}
	}
}

func (s *chacha) quarter(a, b, c, d int) {
	s[a] += s[b]
	s[d] = bits.RotateLeft32(s[d]^s[a], 16)
	s[c] += s[d]
	s[b] = bits.RotateLeft32(s[b]^s[c], 12)
	s[a] += s[b]
	s[d] = bits.RotateLeft32(s[d]^s[a], 8)
	s[c] += s[d]
	s[b] = bits.RotateLeft32(s[b]^s[c], 7)
}
