package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"github.com/dmimg/dmimg/crypt/xts"
)

const aesNote = "crypto/aes; constant time where the processor has AES instructions"

// aesCipher is AES (FIPS 197) from the standard library.
var aesCipher = blockCipher{
	name:      "aes",
	blockSize: aes.BlockSize,
	keySizes:  []int{16, 24, 32},
	note:      aesNote,
	new:       aes.NewCipher,
}

// aesFastNote is the note about modes where they have implementations in assembly.
const aesFastNote = "assembly of our own, constant time; generic is " + aesNote

// withAES gives a mode of AES the implementations that package xts has: newMode
// keys it for one of them.
func (m cipherMode) withAES(newMode func(key []byte, implementation string) (sectorMode, error)) cipherMode {
	if m.cipher.name == aesCipher.name {
		m.implementations, m.new = xts.Implementations, newMode
		if len(xts.Implementations()) > 1 {
			m.cipher.note = aesFastNote
		}
	}
	return m
}

// aesImplemented is implemented by modes of AES that have implementations in
// assembly.
type aesImplemented interface{ implementation() string }

// aesBulk is AES as a bulkCipher.
type aesBulk struct {
	cipher.Block // for so few blocks that they are done sooner one after the other
	blocks       *xts.Blocks
}

// aesFew is how many bytes Block is for.
const aesFew = 3 * aes.BlockSize

// newAESBulk keys AES for an implementation in assembly. It returns nil if plain Go
// was asked for or is all there is: modes do better over crypto/aes then.
func newAESBulk(key []byte, implementation string) (*aesBulk, error) {
	names := xts.Implementations()
	if implementation == "" {
		implementation = names[0]
	}
	if implementation == names[len(names)-1] {
		return nil, nil
	}
	block, err := newBlocks(aesCipher, key)
	if err != nil {
		return nil, err
	}
	blocks, err := xts.NewBlocksImpl(key, implementation)
	if err != nil {
		return nil, fmt.Errorf("crypt: %w", err)
	}
	return &aesBulk{block[0], blocks}, nil
}

// EncryptBlocks implements bulkCipher.
func (b *aesBulk) EncryptBlocks(dst, src []byte) {
	if len(src) <= aesFew {
		encryptBlocks(b.Block, dst, src, aes.BlockSize)
		return
	}
	b.blocks.Encrypt(dst, src)
}

// DecryptBlocks implements bulkCipher.
func (b *aesBulk) DecryptBlocks(dst, src []byte) {
	if len(src) <= aesFew {
		decryptBlocks(b.Block, dst, src, aes.BlockSize)
		return
	}
	b.blocks.Decrypt(dst, src)
}

// Wipe implements bulkCipher. The round keys inside crypto/aes are let go of.
func (b *aesBulk) Wipe() {
	b.blocks.Wipe()
	b.Block = nil
}
