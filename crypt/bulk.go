package crypt

import (
	"crypto/cipher"
	"fmt"

	"github.com/dmimg/dmimg/crypt/xts"
)

// bulkCipher is a block cipher that takes many blocks in one call, and is several
// times as fast then. dst is as long as src, whole blocks, and the same memory or
// apart. Calls may be concurrent, but for Wipe, which overwrites the round keys.
type bulkCipher interface {
	cipher.Block
	EncryptBlocks(dst, src []byte)
	DecryptBlocks(dst, src []byte)
	Wipe()
}

// newBulk keys the cipher, which is a bulkCipher, once for each key.
func newBulk(b blockCipher, keys ...[]byte) ([]bulkCipher, error) {
	blocks, err := newBlocks(b, keys...)
	if err != nil {
		return nil, err
	}
	bulk := make([]bulkCipher, len(blocks))
	for i, block := range blocks {
		var ok bool
		if bulk[i], ok = block.(bulkCipher); !ok {
			panic(fmt.Sprintf("crypt: internal error: %s takes one block at a time", b.name))
		}
	}
	return bulk, nil
}

// newBlock keys the cipher for one of the implementations that the mode lists: AES
// takes many blocks at once where there is assembly.
func newBlock(b blockCipher, key []byte, implementation string) (cipher.Block, error) {
	if b.name == aesCipher.name {
		bulk, err := newAESBulk(key, implementation)
		if err != nil {
			return nil, err
		}
		if bulk != nil {
			return bulk, nil
		}
	}
	blocks, err := newBlocks(b, key)
	if err != nil {
		return nil, err
	}
	return blocks[0], nil
}

// withBulkAES lets a mode that is made with newBlock choose between the
// implementations of AES.
func (m cipherMode) withBulkAES() cipherMode {
	if m.cipher.name == aesCipher.name {
		m.implementations = xts.Implementations
	}
	return m
}

// encryptRun encrypts every block of src into dst, in one call if b can.
func encryptRun(b cipher.Block, dst, src []byte, blockSize int) {
	if bulk, ok := b.(bulkCipher); ok {
		bulk.EncryptBlocks(dst, src)
		return
	}
	encryptBlocks(b, dst, src, blockSize)
}

// decryptRun is the inverse of encryptRun.
func decryptRun(b cipher.Block, dst, src []byte, blockSize int) {
	if bulk, ok := b.(bulkCipher); ok {
		bulk.DecryptBlocks(dst, src)
		return
	}
	decryptBlocks(b, dst, src, blockSize)
}

// wipeBlock overwrites the round keys of b if they can be reached.
func wipeBlock(b cipher.Block) {
	if w, ok := b.(interface{ Wipe() }); ok {
		w.Wipe()
	}
}

// The modes that take blocks one by one have ciphers of our own too.

func (m cbcMode) wipe() { wipeBlock(m.block) }
func (m ctrMode) wipe() { wipeBlock(m.block) }
