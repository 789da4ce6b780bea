package crypt

import (
	"crypto/cipher"
	"encoding/binary"
)

// hctr2 is HCTR2 (Crowley, Huckleberry, Biggers: Length-preserving encryption with
// HCTR2, 2021): one block of the length of the sector, with the IV of 32 bytes as
// tweak. It is made for AES; the kernel takes any cipher with blocks of 16 bytes.
func hctr2Of(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "hctr2",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       hctr2Tweak,
		apiBlockSize: hctr2Block,
		new: func(key []byte, implementation string) (sectorMode, error) {
			block, err := newBlock(b, key, implementation)
			if err != nil {
				return nil, err
			}
			return newHCTR2(block), nil
		},
	}.withBulkAES()
}

const (
	hctr2Block = 16 // bytes
	hctr2Tweak = 32 // bytes
)

type hctr2Mode struct {
	stream xctrStream
	mask   polyvalElement // L
	hash   polyvalKey
	start  polyvalElement // state of the hash after the length of the tweak
}

func newHCTR2(block cipher.Block) *hctr2Mode {
	var p [hctr2Block]byte
	m := &hctr2Mode{stream: xctrStream{block}}
	block.Encrypt(p[:], p[:])
	m.hash = newPolyvalKey(p[:])
	p = [hctr2Block]byte{1}
	block.Encrypt(p[:], p[:])
	m.mask = loadPolyval(p[:])
	// Twice the length of the tweak in bits, and 2 for messages of whole blocks.
	p = [hctr2Block]byte{}
	binary.LittleEndian.PutUint64(p[:], 2*8*hctr2Tweak+2)
	m.start = m.hash.update(polyvalElement{}, p[:])
	return m
}

func (m *hctr2Mode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[hctr2Tweak:] {
		tweak := m.hash.update(m.start, ivs[:hctr2Tweak])
		first := loadPolyval(src).plus(m.hash.update(tweak, src[hctr2Block:size]))
		sealed := m.encryptElement(first, s)
		m.stream.xor(dst[hctr2Block:size], src[hctr2Block:size], first.plus(sealed).plus(m.mask), s)
		sealed.plus(m.hash.update(tweak, dst[hctr2Block:size])).store(dst)
	}
	clear(s[:size]) // whoever has it can read the last sector
}

func (m *hctr2Mode) decrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[hctr2Tweak:] {
		tweak := m.hash.update(m.start, ivs[:hctr2Tweak])
		sealed := loadPolyval(src).plus(m.hash.update(tweak, src[hctr2Block:size]))
		first := m.decryptElement(sealed, s)
		m.stream.xor(dst[hctr2Block:size], src[hctr2Block:size], first.plus(sealed).plus(m.mask), s)
		first.plus(m.hash.update(tweak, dst[hctr2Block:size])).store(dst)
	}
	clear(s[:size]) // whoever has it can read the last sector
}

// encryptElement encrypts one block by way of s.
func (m *hctr2Mode) encryptElement(e polyvalElement, s *modeScratch) polyvalElement {
	p := s[:hctr2Block]
	e.store(p)
	m.stream.block.Encrypt(p, p)
	return loadPolyval(p)
}

// decryptElement is the inverse of encryptElement.
func (m *hctr2Mode) decryptElement(e polyvalElement, s *modeScratch) polyvalElement {
	p := s[:hctr2Block]
	e.store(p)
	m.stream.block.Decrypt(p, p)
	return loadPolyval(p)
}

func (m *hctr2Mode) wipe() {
	wipeBlock(m.stream.block)
	*m = hctr2Mode{}
}
