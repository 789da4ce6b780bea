package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"slices"
)

// ivElephant is BitLocker's mode with the "elephant diffuser": the data is XORed
// with a key stream of the sector and mixed across the sector before it is
// encrypted under the IVs of eboiv. The second half of the key makes the stream,
// with AES. From: N. Ferguson, AES-CBC + Elephant diffuser, Microsoft, 2006.
var ivElephant = ivMode{
	name: "elephant", note: "the second half of the key, 16, 24 or 32 bytes, is its own",
	fits: fitsElephant, extraKey: elephantKey, new: newElephant,
}

// fitsElephant demands that half of a key can be the sector key.
func fitsElephant(m *cipherMode) bool {
	return fitsEBOIV(m) && slices.ContainsFunc(m.keySizes, func(size int) bool {
		return slices.Contains(aesCipher.keySizes, size)
	})
}

func elephantKey(_ *cipherMode, length, _ int) (size, start int) {
	return length / 2, length - length/2
}

func newElephant(c ivConfig) (ivGenerator, error) {
	iv, err := newEBOIV("elephant", c)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(aesCipher.keySizes, len(c.extra)) {
		return nil, fmt.Errorf("crypt: iv mode elephant: sector key of %d bytes in the key, %s takes %s: %w",
			len(c.extra), aesCipher.name, sizeList(aesCipher.keySizes), ErrKeySize)
	}
	blocks, err := newBlocks(aesCipher, c.extra)
	if err != nil {
		return nil, err
	}
	return &elephant{eboiv: iv, keyed: c.keyed, sectorKey: blocks[0], ivSize: c.mode.ivSize}, nil
}

type elephant struct {
	eboiv
	keyed     sectorMode // encrypts the data; eboiv has its own
	sectorKey cipher.Block
	ivSize    int // bytes
}

func (g *elephant) encryptRun(dst, src, ivs []byte, n ivNumbers) {
	unit := int(g.unit)
	s := modeScratches.Get().(*modeScratch)
	words := diffuserWords.Get().(*diffuserScratch)
	for i := 0; i*unit < len(src); i++ {
		out := dst[i*unit : (i+1)*unit]
		subtle.XORBytes(out, src[i*unit:(i+1)*unit], g.stream(s, n.at(i)))
		w := words.load(out)
		for range diffuserRoundsA {
			undoDiffuserA(w)
		}
		for range diffuserRoundsB {
			undoDiffuserB(w)
		}
		words.store(out)
	}
	words.release()
	clear(s[:unit])
	modeScratches.Put(s)
	g.generate(ivs, g.ivSize, n)
	g.keyed.encrypt(dst, dst, ivs, unit)
}

func (g *elephant) decryptRun(dst, src, ivs []byte, n ivNumbers) {
	unit := int(g.unit)
	g.generate(ivs, g.ivSize, n)
	g.keyed.decrypt(dst, src, ivs, unit)
	s := modeScratches.Get().(*modeScratch)
	words := diffuserWords.Get().(*diffuserScratch)
	for i := 0; i*unit < len(dst); i++ {
		out := dst[i*unit : (i+1)*unit]
		w := words.load(out)
		for range diffuserRoundsB {
			diffuserB(w)
		}
		for range diffuserRoundsA {
			diffuserA(w)
		}
		words.store(out)
		subtle.XORBytes(out, out, g.stream(s, n.at(i)))
	}
	words.release()
	clear(s[:unit])
	modeScratches.Put(s)
}

// stream returns the key stream of a sector, in s: the byte offset encrypted with
// the sector key, the same with a bit set, and these 32 bytes over and over.
func (g *elephant) stream(s *modeScratch, number uint64) []byte {
	p := s[:g.unit]
	clear(p[:32])
	binary.LittleEndian.PutUint64(p, number*g.unit)
	binary.LittleEndian.PutUint64(p[16:], number*g.unit)
	p[31] = 0x80
	encryptBlocks(g.sectorKey, p[:32], p[:32], 16)
	for done := 32; done < len(p); done *= 2 {
		copy(p[done:], p[:done])
	}
	return p
}
