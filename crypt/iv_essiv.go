package crypt

import (
	"crypto/cipher"
	"fmt"
	"slices"

	"github.com/dmimg/dmimg/internal/hashes"
)

// ivESSIV is the "encrypted sector|salt IV": plain64, and one more essiv around
// the mode, which encrypts it. The option names the hash.
var ivESSIV = ivMode{
	name: "essiv", note: "needs a hash whose digest is a key of the cipher, as in essiv:sha256",
	fits: fitsESSIV, new: keyless(plain64IV),
}

func fitsESSIV(m *cipherMode) bool {
	return m.ivSize == m.cipher.blockSize && slices.ContainsFunc(hashes.Names(), func(name string) bool {
		a, err := hashes.Lookup(name)
		return err == nil && slices.Contains(m.cipher.keySizes, a.Size)
	})
}

// newESSIV wraps a mode: every IV is encrypted with the same block cipher under
// another key, the hash of the volume key. The digest must be a key length of
// the cipher. In the crypto API this is the template essiv(mode,hash).
func newESSIV(mode sectorMode, m *cipherMode, hashName string, key []byte) (sectorMode, error) {
	b := m.cipher
	if m.ivSize != b.blockSize {
		return nil, fmt.Errorf("crypt: essiv: %s has ivs of %d bytes and blocks of %d: %w",
			m.tableName(), m.ivSize, b.blockSize, ErrUnsupported)
	}
	algorithm, err := hashes.Lookup(hashName)
	if err != nil {
		return nil, fmt.Errorf("crypt: essiv: %w", err)
	}
	if !slices.Contains(b.keySizes, algorithm.Size) {
		return nil, fmt.Errorf("crypt: essiv: %s gives %d bytes, %s takes %s: %w",
			algorithm.Name, algorithm.Size, b.name, sizeList(b.keySizes), ErrKeySize)
	}
	h := algorithm.New()
	h.Write(key)
	salt := h.Sum(nil)
	h.Reset()
	defer clear(salt)
	block, err := newESSIVBlock(mode, b, salt)
	if err != nil {
		return nil, err
	}
	return essivMode{mode, block, m.ivSize}, nil
}

// newESSIVBlock keys the cipher b for the IVs, with the implementation that mode has
// if that takes many blocks at once.
func newESSIVBlock(mode sectorMode, b blockCipher, salt []byte) (cipher.Block, error) {
	if fast, ok := mode.(aesImplemented); ok {
		if bulk, err := newAESBulk(salt, fast.implementation()); bulk != nil || err != nil {
			return bulk, err
		}
	}
	blocks, err := newBlocks(b, salt)
	if err != nil {
		return nil, err
	}
	return blocks[0], nil
}

type essivMode struct {
	mode   sectorMode
	block  cipher.Block
	ivSize int // bytes
}

func (m essivMode) encrypt(dst, src, ivs []byte, size int) {
	encryptRun(m.block, ivs, ivs, m.ivSize)
	m.mode.encrypt(dst, src, ivs, size)
}

func (m essivMode) decrypt(dst, src, ivs []byte, size int) {
	encryptRun(m.block, ivs, ivs, m.ivSize)
	m.mode.decrypt(dst, src, ivs, size)
}

func (m essivMode) wipe() {
	wipeBlock(m.block)
	if w, ok := m.mode.(wiper); ok {
		w.wipe()
	}
}
