package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"math"
)

// ctrOf is counter mode (NIST SP 800-38A, 6.5). The IV of a sector is its first
// counter, which counts up as one big-endian number as long as a block.
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
			return ctrMode{blocks[0], b.blockSize}, nil
		},
	}.withAES(newAESCTR)
}

type ctrMode struct {
	block     cipher.Block
	blockSize int
}

func (m ctrMode) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	stream := s[:size]
	for len(src) > 0 {
		if m.blockSize == 16 {
			countUp(stream, ivs)
		} else {
			countUp64(stream, ivs)
		}
		encryptBlocks(m.block, stream, stream, m.blockSize)
		subtle.XORBytes(dst[:size], src[:size], stream)
		dst, src, ivs = dst[size:], src[size:], ivs[m.blockSize:]
	}
	clear(stream) // whoever has it can read the last sector
}

// decrypt is encrypt: the key stream is XORed in, or out.
func (m ctrMode) decrypt(dst, src, ivs []byte, size int) { m.encrypt(dst, src, ivs, size) }

// countUp fills p with the counters iv, iv+1, … of 16 bytes.
func countUp(p, iv []byte) {
	hi, lo := binary.BigEndian.Uint64(iv), binary.BigEndian.Uint64(iv[8:])
	for ; len(p) >= 64 && lo <= math.MaxUint64-4; p, lo = p[64:], lo+4 {
		four := (*[64]byte)(p)
		binary.BigEndian.PutUint64(four[0:], hi)
		binary.BigEndian.PutUint64(four[8:], lo)
		binary.BigEndian.PutUint64(four[16:], hi)
		binary.BigEndian.PutUint64(four[24:], lo+1)
		binary.BigEndian.PutUint64(four[32:], hi)
		binary.BigEndian.PutUint64(four[40:], lo+2)
		binary.BigEndian.PutUint64(four[48:], hi)
		binary.BigEndian.PutUint64(four[56:], lo+3)
	}
	for i := 0; i+16 <= len(p); i += 16 {
		binary.BigEndian.PutUint64(p[i:], hi)
		binary.BigEndian.PutUint64(p[i+8:], lo)
		lo++
		if lo == 0 {
			hi++
		}
	}
}

// countUp64 does the same with counters of 8 bytes.
func countUp64(p, iv []byte) {
	counter := binary.BigEndian.Uint64(iv)
	for i := 0; i+8 <= len(p); i += 8 {
		binary.BigEndian.PutUint64(p[i:], counter)
		counter++
	}
}
