package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"sync"
)

// cbcOf is cipher block chaining (NIST SP 800-38A, 6.2), restarted with its own
// IV at every sector.
func cbcOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "cbc",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       b.blockSize,
		apiBlockSize: b.blockSize,
		new: func(key []byte, _ string) (sectorMode, error) {
			blocks, err := newBlocks(b, key)
			if err != nil {
				return nil, err
			}
			return cbcMode{blocks[0], b.blockSize}, nil
		},
	}.withAES(newAESCBC)
}

type cbcMode struct {
	block     cipher.Block
	blockSize int
}

// cbcLanes is how many sectors are encrypted in step. Within a sector each
// block waits for the one before it; blocks of different sectors do not, so
// that the processor overlaps them.
const cbcLanes = 8

func (m cbcMode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		n := min(len(src), cbcLanes*size)
		chains := s[:copy(s[:n/size*m.blockSize], ivs)]
		m.encryptLanes(dst[:n], src[:n], chains, size)
		dst, src, ivs = dst[n:], src[n:], ivs[len(chains):]
	}
}

// encryptLanes encrypts as many sectors as there are blocks in chains, which
// holds their IVs and takes the last ciphertext block of each on the way.
func (m cbcMode) encryptLanes(dst, src, chains []byte, size int) {
	bs := m.blockSize
	for off := 0; off < size; off += bs {
		for lane, at := 0, off; lane < len(chains); lane, at = lane+bs, at+size {
			chain := chains[lane : lane+bs]
			subtle.XORBytes(chain, chain, src[at:at+bs])
		}
		for lane, at := 0, off; lane < len(chains); lane, at = lane+bs, at+size {
			chain := chains[lane : lane+bs]
			m.block.Encrypt(chain, chain)
			copy(dst[at:at+bs], chain)
		}
	}
}

func (m cbcMode) decrypt(dst, src, ivs []byte, size int) {
	bs := m.blockSize
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	for len(src) > 0 {
		in := s[:copy(s[:], src[:size])] // dst may be the same memory as src
		out := dst[:size]
		decryptBlocks(m.block, out, in, bs)
		subtle.XORBytes(out[bs:], out[bs:], in[:size-bs])
		subtle.XORBytes(out[:bs], out[:bs], ivs[:bs])
		dst, src, ivs = dst[size:], src[size:], ivs[bs:]
	}
}

// modeScratch is room for one sector of the largest size. It goes back to the
// pool without keys, key stream or plaintext in it.
type modeScratch [maxUnit]byte

var modeScratches = sync.Pool{New: func() any { return new(modeScratch) }}

// encryptBlocks encrypts every block of src into dst.
func encryptBlocks(b cipher.Block, dst, src []byte, blockSize int) {
	for i := 0; i+blockSize <= len(src); i += blockSize {
		b.Encrypt(dst[i:i+blockSize], src[i:i+blockSize])
	}
}

// decryptBlocks decrypts every block of src into dst.
func decryptBlocks(b cipher.Block, dst, src []byte, blockSize int) {
	for i := 0; i+blockSize <= len(src); i += blockSize {
		b.Decrypt(dst[i:i+blockSize], src[i:i+blockSize])
	}
}
