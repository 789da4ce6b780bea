package crypt

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
)

// aesCBC is cbcMode for AES in assembly, which is so fast that what is around it
// counts: it works on several sectors in one call, and on words.
type aesCBC struct{ block *aesBulk }

func newAESCBC(key []byte, implementation string) (sectorMode, error) {
	bulk, err := newAESBulk(key, implementation)
	if err != nil {
		return nil, err
	}
	if bulk != nil {
		return aesCBC{bulk}, nil
	}
	blocks, err := newBlocks(aesCipher, key)
	if err != nil {
		return nil, err
	}
	return cbcMode{blocks[0], aes.BlockSize}, nil
}

func (m aesCBC) encrypt(dst, src, ivs []byte, size int) {
	const lanes = 16 // sectors that are encrypted in step; what assembly takes at once
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		n := min(len(src), lanes*size)
		chains := s[:n/size*aes.BlockSize]
		ivs = ivs[copy(chains, ivs):]
		if len(chains) > aesFew {
			chains = s[:lanes*aes.BlockSize] // lanes without a sector cost nothing
		}
		m.encryptLanes(dst[:n], src[:n], chains, size)
		dst, src = dst[n:], src[n:]
	}
}

// encryptLanes encrypts as many sectors as there are. chains begins with their IVs
// and takes the last ciphertext block of each on the way.
func (m aesCBC) encryptLanes(dst, src, chains []byte, size int) {
	const bs = aes.BlockSize
	for off := 0; off < size; off += bs {
		for lane, at := 0, off; at < len(src); lane, at = lane+bs, at+size {
			in, chain := src[at:at+bs], chains[lane:lane+bs]
			lo := binary.NativeEndian.Uint64(in) ^ binary.NativeEndian.Uint64(chain)
			hi := binary.NativeEndian.Uint64(in[8:]) ^ binary.NativeEndian.Uint64(chain[8:])
			binary.NativeEndian.PutUint64(chain, lo)
			binary.NativeEndian.PutUint64(chain[8:], hi)
		}
		m.block.EncryptBlocks(chains, chains)
		for lane, at := 0, off; at < len(dst); lane, at = lane+bs, at+size {
			copy(dst[at:at+bs], chains[lane:lane+bs])
		}
	}
}

func (m aesCBC) decrypt(dst, src, ivs []byte, size int) {
	const bs = aes.BlockSize
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		n := min(len(src), len(s)/size*size)
		in := s[:copy(s[:n], src)] // dst may be the same memory as src
		m.block.DecryptBlocks(dst[:n], src[:n])
		for ; len(in) > 0; in, ivs = in[size:], ivs[bs:] {
			out := dst[:size]
			subtle.XORBytes(out[bs:], out[bs:], in[:size-bs])
			subtle.XORBytes(out[:bs], out[:bs], ivs[:bs])
			dst, src = dst[size:], src[size:]
		}
	}
}

func (m aesCBC) wipe() { m.block.Wipe() }

func (m aesCBC) implementation() string { return m.block.blocks.Implementation() }
