package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
)

// pcbcOf is the propagating cipher block chaining of Kerberos 4: what is XORed
// into a block is the plaintext and the ciphertext of the block before it, into
// the first of a sector its IV.
func pcbcOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "pcbc",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       b.blockSize,
		apiBlockSize: b.blockSize,
		new: func(key []byte, implementation string) (sectorMode, error) {
			block, err := newBlock(b, key, implementation)
			if err != nil {
				return nil, err
			}
			return pcbcMode{block, b.blockSize}, nil
		},
	}.withBulkAES()
}

type pcbcMode struct {
	block     cipher.Block
	blockSize int
}

func (m pcbcMode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		n := min(len(src), cbcLanes*size)
		lanes := n / size * m.blockSize
		m.encryptLanes(dst[:n], src[:n], ivs[:lanes], s[:lanes], size)
		dst, src, ivs = dst[n:], src[n:], ivs[lanes:]
	}
}

// encryptLanes encrypts as many sectors as there are blocks in chains in step,
// for the reason that cbc does. chains holds what is XORed into the next block of
// each; out is room for as much.
func (m pcbcMode) encryptLanes(dst, src, chains, out []byte, size int) {
	bs := m.blockSize
	for off := 0; off < size; off += bs {
		for lane, at := 0, off; lane < len(chains); lane, at = lane+bs, at+size {
			subtle.XORBytes(out[lane:lane+bs], chains[lane:], src[at:at+bs])
		}
		encryptRun(m.block, out, out, bs)
		for lane, at := 0, off; lane < len(chains); lane, at = lane+bs, at+size {
			block := out[lane : lane+bs]
			subtle.XORBytes(chains[lane:], block, src[at:at+bs])
			copy(dst[at:at+bs], block)
		}
	}
}

func (m pcbcMode) decrypt(dst, src, ivs []byte, size int) {
	bs := m.blockSize
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		in := s[:copy(s[:], src[:size])] // dst may be the same memory as src
		decryptRun(m.block, dst[:size], in, bs)
		chain := ivs[:bs]
		for i := 0; i < size; i += bs {
			subtle.XORBytes(dst[i:i+bs], dst[i:], chain)
			subtle.XORBytes(chain, dst[i:i+bs], in[i:])
		}
		dst, src, ivs = dst[size:], src[size:], ivs[bs:]
	}
}

func (m pcbcMode) wipe() { wipeBlock(m.block) }
