package crypt

import (
	"crypto/aes"
	"crypto/subtle"
)

// aesCTR is ctrMode for AES in assembly. It encrypts the counters of several sectors
// in one call.
type aesCTR struct{ block *aesBulk }

func newAESCTR(key []byte, implementation string) (sectorMode, error) {
	bulk, err := newAESBulk(key, implementation)
	if err != nil {
		return nil, err
	}
	if bulk != nil {
		return aesCTR{bulk}, nil
	}
	blocks, err := newBlocks(aesCipher, key)
	if err != nil {
		return nil, err
	}
	return ctrMode{blocks[0], aes.BlockSize}, nil
}

func (m aesCTR) encrypt(dst, src, ivs []byte, size int) {
	s := modeScratches.Get().(*modeScratch)
	defer modeScratches.Put(s)
	used := s[:min(len(src), len(s)/size*size)]
	for len(src) > 0 {
		stream := used[:min(len(src), len(used))]
		for at := 0; at < len(stream); at, ivs = at+size, ivs[aes.BlockSize:] {
			countUp(stream[at:at+size], ivs)
		}
		m.block.EncryptBlocks(stream, stream)
		subtle.XORBytes(dst, src, stream)
		dst, src = dst[len(stream):], src[len(stream):]
	}
	clear(used) // whoever has it can read the last sectors
}

// decrypt is encrypt: the key stream is XORed in, or out.
func (m aesCTR) decrypt(dst, src, ivs []byte, size int) { m.encrypt(dst, src, ivs, size) }

func (m aesCTR) wipe() { m.block.Wipe() }

func (m aesCTR) implementation() string { return m.block.blocks.Implementation() }
