package crypt

import "crypto/subtle"

// bulkCTROf is ctrOf for a cipher with blocks of 16 bytes that takes many at once.
func bulkCTROf(b blockCipher) cipherMode {
	m := ctrOf(b)
	m.new = func(key []byte, _ string) (sectorMode, error) {
		blocks, err := newBulk(b, key)
		if err != nil {
			return nil, err
		}
		return bulkCTR{blocks[0]}, nil
	}
	return m
}

type bulkCTR struct{ block bulkCipher }

func (m bulkCTR) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	stream := s[:size]
	for ; len(src) > 0; dst, src, ivs = dst[size:], src[size:], ivs[16:] {
		countUp(stream, ivs)
		m.block.EncryptBlocks(stream, stream)
		subtle.XORBytes(dst[:size], src[:size], stream)
	}
	clear(stream) // whoever has it can read the last sector
}

// decrypt is encrypt: the key stream is XORed in, or out.
func (m bulkCTR) decrypt(dst, src, ivs []byte, size int) { m.encrypt(dst, src, ivs, size) }

func (m bulkCTR) wipe() { m.block.Wipe() }
