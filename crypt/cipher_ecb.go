package crypt

import "crypto/cipher"

// ecbOf is the electronic codebook (NIST SP 800-38A, 6.1): every block by
// itself, without IVs. Equal blocks of plaintext stay equal.
func ecbOf(b blockCipher) cipherMode {
	return cipherMode{
		chain:        "ecb",
		cipher:       b,
		keySizes:     b.keySizes,
		apiBlockSize: b.blockSize,
		new: func(key []byte, implementation string) (sectorMode, error) {
			block, err := newBlock(b, key, implementation)
			if err != nil {
				return nil, err
			}
			return ecbMode{block, b.blockSize}, nil
		},
	}.withBulkAES()
}

type ecbMode struct {
	block     cipher.Block
	blockSize int
}

func (m ecbMode) encrypt(dst, src, _ []byte, _ int) { encryptRun(m.block, dst, src, m.blockSize) }

func (m ecbMode) decrypt(dst, src, _ []byte, _ int) { decryptRun(m.block, dst, src, m.blockSize) }

func (m ecbMode) wipe() { wipeBlock(m.block) }
