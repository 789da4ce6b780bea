package crypt

import "crypto/subtle"

// bulkCBCOf is cbcOf for a cipher that takes many blocks at once.
func bulkCBCOf(b blockCipher) cipherMode {
	m := cbcOf(b)
	m.new = func(key []byte, _ string) (sectorMode, error) {
		blocks, err := newBulk(b, key)
		if err != nil {
			return nil, err
		}
		return bulkCBC{blocks[0], b.blockSize}, nil
	}
	return m
}

type bulkCBC struct {
	block     bulkCipher
	blockSize int
}

// bulkLanes is how many sectors are encrypted in step; within a sector each block
// waits for the one before it.
const bulkLanes = 16

func (m bulkCBC) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		n := min(len(src), bulkLanes*size)
		chains := s[:copy(s[:n/size*m.blockSize], ivs)]
		m.encryptLanes(dst[:n], src[:n], chains, size)
		dst, src, ivs = dst[n:], src[n:], ivs[len(chains):]
	}
}

// encryptLanes encrypts as many sectors as there are blocks in chains, which holds
// their IVs and takes the last ciphertext block of each on the way.
func (m bulkCBC) encryptLanes(dst, src, chains []byte, size int) {
	bs := m.blockSize
	for off := 0; off < size; off += bs {
		for lane, at := 0, off; lane < len(chains); lane, at = lane+bs, at+size {
			subtle.XORBytes(chains[lane:lane+bs], chains[lane:lane+bs], src[at:at+bs])
		}
		m.block.EncryptBlocks(chains, chains)
		for lane, at := 0, off; lane < len(chains); lane, at = lane+bs, at+size {
			copy(dst[at:at+bs], chains[lane:lane+bs])
		}
	}
}

func (m bulkCBC) decrypt(dst, src, ivs []byte, size int) {
	bs := m.blockSize
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		in := s[:copy(s[:], src[:size])] // dst may be the same memory as src
		out := dst[:size]
		m.block.DecryptBlocks(out, in)
		subtle.XORBytes(out[bs:], out[bs:], in[:size-bs])
		subtle.XORBytes(out[:bs], out[:bs], ivs[:bs])
		dst, src, ivs = dst[size:], src[size:], ivs[bs:]
	}
}

func (m bulkCBC) wipe() { m.block.Wipe() }
