package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
)

// cfbOf is cipher feedback of whole blocks (NIST SP 800-38A, 6.3): what is XORed into
// a block is the encryption of the ciphertext before it, into the first of a sector
// that of its IV. Kernels from 5.0 to 6.8 have it.
func cfbOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "cfb",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       b.blockSize,
		apiBlockSize: 1,
		new: func(key []byte, implementation string) (sectorMode, error) {
			block, err := newBlock(b, key, implementation)
			if err != nil {
				return nil, err
			}
			return cfbMode{block, b.blockSize}, nil
		},
	}.withBulkAES()
}

type cfbMode struct {
	block     cipher.Block
	blockSize int
}

// encrypt works on the sectors of a run in step, for the reason that cbc does.
func (m cfbMode) encrypt(dst, src, ivs []byte, size int) {
	bs := m.blockSize
	for off := 0; off < size; off += bs {
		encryptRun(m.block, ivs, ivs, bs)
		for lane, at := 0, off; lane < len(ivs); lane, at = lane+bs, at+size {
			chain := ivs[lane : lane+bs]
			subtle.XORBytes(chain, chain, src[at:at+bs])
			copy(dst[at:at+bs], chain)
		}
	}
}

func (m cfbMode) decrypt(dst, src, ivs []byte, size int) {
	bs := m.blockSize
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	stream := s[:size]
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[bs:] {
		copy(stream[copy(stream, ivs[:bs]):], src[:size-bs])
		encryptRun(m.block, stream, stream, bs)
		subtle.XORBytes(dst[:size], src[:size], stream)
	}
	clear(stream) // whoever has it can read the last sector
}

func (m cfbMode) wipe() { wipeBlock(m.block) }
