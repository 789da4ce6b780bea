package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
)

// xctrOf is counter mode as HCTR2 has it, for a cipher with blocks of 16 bytes: block
// number n of the key stream, counted from 1 in every sector, is the encryption of the
// IV XORed with n, little-endian.
func xctrOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "xctr",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       b.blockSize,
		apiBlockSize: 1,
		new: func(key []byte, implementation string) (sectorMode, error) {
			block, err := newBlock(b, key, implementation)
			if err != nil {
				return nil, err
			}
			return xctrMode{xctrStream{block}}, nil
		},
	}.withBulkAES()
}

// xctrStream is the key stream of a keyed cipher.
type xctrStream struct{ block cipher.Block }

// xor XORs src with the key stream for an IV, by way of s.
func (x xctrStream) xor(dst, src []byte, iv polyvalElement, s *modeScratch) {
	stream := s[:len(src)]
	for i := 0; i < len(stream); i += 16 {
		iv.plus(polyvalElement{lo: uint64(i/16 + 1)}).store(stream[i:])
	}
	encryptRun(x.block, stream, stream, 16)
	subtle.XORBytes(dst, src, stream)
}

type xctrMode struct{ stream xctrStream }

func (m xctrMode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[16:] {
		m.stream.xor(dst[:size], src[:size], loadPolyval(ivs), s)
	}
	clear(s[:size]) // whoever has it can read the last sector
}

// decrypt is encrypt: the key stream is XORed in, or out.
func (m xctrMode) decrypt(dst, src, ivs []byte, size int) { m.encrypt(dst, src, ivs, size) }

func (m xctrMode) wipe() { wipeBlock(m.stream.block) }
