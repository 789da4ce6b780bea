package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// ctrOf is counter mode (NIST SP 800-38A, 6.5) of a cipher with blocks of 16
// bytes. The IV of a sector is its first counter, which counts up as one
// big-endian number of 128 bits.
//
// It writes counters itself because cipher.NewCTR allocates, and copies the
// round keys, for every sector.
func ctrOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "ctr",
		cipher:       b,
		keySizes:     b.keySizes,
		ivSize:       b.blockSize,
		apiBlockSize: 1,
		new: func(key []byte, _ string) (sectorMode, error) {
			blocks, err := newBlocks(b, key)
			if err != nil {
				return nil, err
			}
			return ctrMode{blocks[0]}, nil
		},
	}
}

type ctrMode struct{ block cipher.Block }

func (m ctrMode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	stream := s[:size]
	for len(src) > 0 {
		countUp(stream, ivs[:16])
		encryptBlocks(m.block, stream, stream, 16)
		subtle.XORBytes(dst[:size], src[:size], stream)
		dst, src, ivs = dst[size:], src[size:], ivs[16:]
	}
	clear(stream) // whoever has it can read the last sector
}

// decrypt is encrypt: the key stream is XORed in, or out.
func (m ctrMode) decrypt(dst, src, ivs []byte, size int) { m.encrypt(dst, src, ivs, size) }

// countUp fills p with the counters iv, iv+1, ….
func countUp(p, iv []byte) {
	hi, lo := binary.BigEndian.Uint64(iv), binary.BigEndian.Uint64(iv[8:])
	for i := 0; i+16 <= len(p); i += 16 {
		binary.BigEndian.PutUint64(p[i:], hi)
		binary.BigEndian.PutUint64(p[i+8:], lo)
		lo++
		if lo == 0 {
			hi++
		}
	}
}
