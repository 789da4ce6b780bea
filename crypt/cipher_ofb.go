package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
)

// ofbOf is output feedback (NIST SP 800-38A, 6.4): the key stream is the IV encrypted
// again and again. Kernels before 6.10 have it.
func ofbOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "ofb",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       b.blockSize,
		apiBlockSize: 1,
		new: func(key []byte, implementation string) (sectorMode, error) {
			block, err := newBlock(b, key, implementation)
			if err != nil {
				return nil, err
			}
			return ofbMode{block, b.blockSize}, nil
		},
	}.withBulkAES()
}

type ofbMode struct {
	block     cipher.Block
	blockSize int
}

// encrypt works on the sectors of a run in step, for the reason that cbc does.
func (m ofbMode) encrypt(dst, src, ivs []byte, size int) {
	bs := m.blockSize
	for off := 0; off < size; off += bs {
		encryptRun(m.block, ivs, ivs, bs)
		for lane, at := 0, off; lane < len(ivs); lane, at = lane+bs, at+size {
			subtle.XORBytes(dst[at:at+bs], src[at:at+bs], ivs[lane:lane+bs])
		}
	}
	clear(ivs) // whoever has it can read the last blocks
}

// decrypt is encrypt: the key stream is XORed in, or out.
func (m ofbMode) decrypt(dst, src, ivs []byte, size int) { m.encrypt(dst, src, ivs, size) }

func (m ofbMode) wipe() { wipeBlock(m.block) }
