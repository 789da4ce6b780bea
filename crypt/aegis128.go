package crypt

import (
	"crypto/subtle"
	"encoding/binary"
)

// aegis128 is AEGIS-128 (Wu and Preneel, "AEGIS: a fast authenticated encryption
// algorithm", version 1.1, 2016), with a key, a nonce and a tag of 16 bytes. It is
// neither AEGIS-128L nor AEGIS-256 of the RFC, which the kernel has dropped.
//
// The AES rounds are those of aesRounds: constant time on every processor, at
// the price of a tenth of the speed that AES instructions would give.
type aegis128 struct{ key aesState }

// aegisBlock is the bytes that one update takes up.
const aegisBlock = 16

// The two halves of the Fibonacci sequence modulo 256.
var aegisConst = [2]aesState{
	{0x0d08050302010100, 0x6279e99059372215},
	{0xf12fc26d55183ddb, 0xdd28b57342311120},
}

func newAEGIS128(key []byte) *aegis128 { return &aegis128{loadState(key)} }

func (a *aegis128) wipe() { a.key = aesState{} }

// aegisState is the five AES states of a message in progress.
type aegisState [5]aesState

// start mixes key and nonce, then the associated data.
func (a *aegis128) start(nonce, ad []byte) aegisState {
	iv := loadState(nonce).xor(a.key)
	s := aegisState{iv, aegisConst[1], aegisConst[0], a.key.xor(aegisConst[0]), a.key.xor(aegisConst[1])}
	for range 5 {
		s.update(a.key)
		s.update(iv)
	}
	for len(ad) >= aegisBlock {
		s.update(loadState(ad))
		ad = ad[aegisBlock:]
	}
	if len(ad) > 0 {
		s.update(loadPart(ad))
	}
	return s
}

// loadPart loads less than a block, filled up with zeros.
func loadPart(p []byte) aesState {
	var block [aegisBlock]byte
	copy(block[:], p)
	return loadState(block[:])
}

// update is StateUpdate128: every state becomes the round of the one before it,
// with the state and, for the first, m as the round key.
func (s *aegisState) update(m aesState) {
	four := [2 * aesLanes]uint64{s[0][0], s[0][1], s[1][0], s[1][1], s[2][0], s[2][1], s[3][0], s[3][1]}
	last := [2 * aesLanes]uint64{s[4][0], s[4][1]}
	aesRounds(&four)
	aesRounds(&last)
	s[0] = s[0].xor(m).xor(aesState{last[0], last[1]})
	s[1] = s[1].xor(aesState{four[0], four[1]})
	s[2] = s[2].xor(aesState{four[2], four[3]})
	s[3] = s[3].xor(aesState{four[4], four[5]})
	s[4] = s[4].xor(aesState{four[6], four[7]})
}

// stream is what the next block is XORed with.
func (s *aegisState) stream() aesState {
	return s[1].xor(s[4]).xor(s[2].and(s[3]))
}

// finish returns the tag for associated data and message of so many bytes.
func (s *aegisState) finish(ad, message int) (tag [16]byte) {
	m := s[3].xor(aesState{uint64(ad) * 8, uint64(message) * 8})
	for range 7 {
		s.update(m)
	}
	s[0].xor(s[1]).xor(s[2]).xor(s[3]).xor(s[4]).store(tag[:])
	return tag
}

// seal implements messageAEAD.
func (a *aegis128) seal(dst, src, tag, nonce, ad []byte) {
	s := a.start(nonce, ad)
	length := len(src)
	for len(src) >= aegisBlock {
		m := loadState(src)
		m.xor(s.stream()).store(dst)
		s.update(m)
		dst, src = dst[aegisBlock:], src[aegisBlock:]
	}
	if len(src) > 0 {
		m := loadPart(src)
		s.part(dst, src)
		s.update(m)
	}
	sum := s.finish(len(ad), length)
	copy(tag, sum[:])
}

// open implements messageAEAD.
func (a *aegis128) open(dst, src, tag, nonce, ad []byte) bool {
	s := a.start(nonce, ad)
	out, length := dst, len(src)
	for len(src) >= aegisBlock {
		m := loadState(src).xor(s.stream())
		m.store(dst)
		s.update(m)
		dst, src = dst[aegisBlock:], src[aegisBlock:]
	}
	if len(src) > 0 {
		s.part(dst, src)
		s.update(loadPart(dst[:len(src)]))
	}
	sum := s.finish(len(ad), length)
	if subtle.ConstantTimeCompare(sum[:len(tag)], tag) == 1 {
		return true
	}
	clear(out[:length])
	return false
}

// part encrypts or decrypts the last bytes of a message, less than a block.
func (s *aegisState) part(dst, src []byte) {
	var key [aegisBlock]byte
	stream := s.stream()
	binary.LittleEndian.PutUint64(key[:], stream[0])
	binary.LittleEndian.PutUint64(key[8:], stream[1])
	subtle.XORBytes(dst[:len(src)], src, key[:])
}
