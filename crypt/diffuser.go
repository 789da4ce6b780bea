package crypt

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

// The two diffusers of the elephant mode. Each goes over the words of a sector,
// of 4 bytes little-endian, and adds to a word two others, one of them rotated;
// indices go round. Their inverses, which encryption needs, go backwards and
// subtract.
//
//	A: w[i] += w[i-2] ⊕ (w[i-5] ⋘ 9, 0, 13, 0 in turn)
//	B: w[i] += w[i+2] ⊕ (w[i+5] ⋘ 0, 10, 0, 25 in turn)

// How often decryption goes over the sector.
const (
	diffuserRoundsA = 5
	diffuserRoundsB = 3
)

// diffuserA and the three others take a power of two of words, at least 8.

func diffuserA(w []uint32) {
	mask := len(w) - 1
	for i := 0; i+4 <= len(w); i += 4 {
		w[i] += w[(i-2)&mask] ^ bits.RotateLeft32(w[(i-5)&mask], 9)
		w[i+1] += w[(i-1)&mask] ^ w[(i-4)&mask]
		w[i+2] += w[i] ^ bits.RotateLeft32(w[(i-3)&mask], 13)
		w[i+3] += w[i+1] ^ w[(i-2)&mask]
	}
}

func undoDiffuserA(w []uint32) {
	mask := len(w) - 1
	for i := len(w) - 4; i >= 0; i -= 4 {
		w[i+3] -= w[i+1] ^ w[(i-2)&mask]
		w[i+2] -= w[i] ^ bits.RotateLeft32(w[(i-3)&mask], 13)
		w[i+1] -= w[(i-1)&mask] ^ w[(i-4)&mask]
		w[i] -= w[(i-2)&mask] ^ bits.RotateLeft32(w[(i-5)&mask], 9)
	}
}

func diffuserB(w []uint32) {
	mask := len(w) - 1
	for i := 0; i+4 <= len(w); i += 4 {
		w[i] += w[i+2] ^ w[(i+5)&mask]
		w[i+1] += w[i+3] ^ bits.RotateLeft32(w[(i+6)&mask], 10)
		w[i+2] += w[(i+4)&mask] ^ w[(i+7)&mask]
		w[i+3] += w[(i+5)&mask] ^ bits.RotateLeft32(w[(i+8)&mask], 25)
	}
}

func undoDiffuserB(w []uint32) {
	mask := len(w) - 1
	for i := len(w) - 4; i >= 0; i -= 4 {
		w[i+3] -= w[(i+5)&mask] ^ bits.RotateLeft32(w[(i+8)&mask], 25)
		w[i+2] -= w[(i+4)&mask] ^ w[(i+7)&mask]
		w[i+1] -= w[i+3] ^ bits.RotateLeft32(w[(i+6)&mask], 10)
		w[i] -= w[i+2] ^ w[(i+5)&mask]
	}
}

// diffuserScratch is room for the words of the largest sector. It goes back to the
// pool, with release, without plaintext in it.
type diffuserScratch struct {
	words [maxUnit / 4]uint32
	used  int
}

var diffuserWords = sync.Pool{New: func() any { return new(diffuserScratch) }}

// load returns the words of a sector.
func (s *diffuserScratch) load(p []byte) []uint32 {
	s.used = len(p) / 4
	w := s.words[:s.used]
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(p[4*i:])
	}
	return w
}

// store puts the words that load returned into p.
func (s *diffuserScratch) store(p []byte) {
	for i, word := range s.words[:s.used] {
		binary.LittleEndian.PutUint32(p[4*i:], word)
	}
}

func (s *diffuserScratch) release() {
	clear(s.words[:s.used])
	diffuserWords.Put(s)
}
