package crypt

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// ivTCW is the "TrueCrypt whitening" of TrueCrypt before 4.1: the sector number
// XORed with a secret seed is the IV, and a pattern that it makes with a second
// secret lies over the ciphertext. Both are at the end of the key: first the seed,
// as long as an IV.
var ivTCW = ivMode{
	name: "tcw", note: "an IV and 16 bytes at the end of the key are its own", unit: tcwUnit,
	fits: fitsTCW, extraKey: tcwKey, new: newTCW,
}

func fitsTCW(m *cipherMode) bool { return m.ivSize <= len(tcw{}.seed) }

const (
	tcwUnit      = 512 // bytes of a sector
	tcwWhitening = 16  // bytes of the second secret
)

func tcwKey(m *cipherMode, length, _ int) (size, start int) {
	size = m.ivSize + tcwWhitening
	return size, max(length-size, 0)
}

func newTCW(c ivConfig) (ivGenerator, error) {
	g := &tcw{mode: c.keyed, ivSize: c.mode.ivSize}
	if !fitsTCW(c.mode) {
		return nil, fmt.Errorf("crypt: iv mode tcw: %s has ivs of %d bytes, at most %d: %w",
			c.mode.tableName(), g.ivSize, len(g.seed), ErrUnsupported)
	}
	copy(g.seed[:], c.extra[:g.ivSize])
	copy(g.whitening[:], c.extra[g.ivSize:])
	return g, nil
}

type tcw struct {
	mode      sectorMode
	ivSize    int // bytes
	seed      [16]byte
	whitening [tcwWhitening]byte
}

func (g *tcw) generate(ivs []byte, size int, n ivNumbers) {
	for i := 0; len(ivs) > 0; i, ivs = i+1, ivs[size:] {
		var number [16]byte
		binary.LittleEndian.PutUint64(number[:], n.at(i))
		binary.LittleEndian.PutUint64(number[8:], n.at(i))
		subtle.XORBytes(ivs[:size], number[:size], g.seed[:])
	}
}

func (g *tcw) encryptRun(dst, src, ivs []byte, n ivNumbers) {
	g.generate(ivs, g.ivSize, n)
	g.mode.encrypt(dst, src, ivs, tcwUnit)
	g.whiten(dst, dst, n)
}

func (g *tcw) decryptRun(dst, src, ivs []byte, n ivNumbers) {
	g.whiten(dst, src, n)
	g.generate(ivs, g.ivSize, n)
	g.mode.decrypt(dst, dst, ivs, tcwUnit)
}

// whiten XORs into every sector of src its pattern of 8 bytes, over and over.
func (g *tcw) whiten(dst, src []byte, n ivNumbers) {
	for i := 0; len(src) > 0; i++ {
		pattern := g.pattern(n.at(i))
		for at := 0; at < tcwUnit; at += 8 {
			binary.LittleEndian.PutUint64(dst[at:], binary.LittleEndian.Uint64(src[at:])^pattern)
		}
		dst, src = dst[tcwUnit:], src[tcwUnit:]
	}
}

// pattern returns the whitening of a sector: the CRCs of the four words of the
// secret, numbered, folded in the middle.
func (g *tcw) pattern(number uint64) uint64 {
	var crc [4]uint32
	for i := range crc {
		word := binary.LittleEndian.Uint32(g.whitening[4*i:]) ^ uint32(number>>(i%2*32))
		crc[i] = crcOfWord(word)
	}
	return uint64(crc[0]^crc[3]) | uint64(crc[1]^crc[2])<<32
}

// crcOfWord is the CRC-32 of the four bytes of a word, the lowest first, without
// the inversions that are usual before and after.
func crcOfWord(word uint32) uint32 {
	for range 4 {
		word = crc32.IEEETable[byte(word)] ^ word>>8
	}
	return word
}

func (g *tcw) wipe() {
	clear(g.seed[:])
	clear(g.whitening[:])
}
