package crypt

import (
	"crypto/cipher"
	"fmt"
	"slices"

	"github.com/dmimg/dmimg/internal/hashes"
)

// ivESSIV is the "encrypted sector|salt IV": plain64 encrypted with the same
// block cipher under another key, the hash of the volume key. The option names
// the hash; its digest must be a key length of the cipher.
var ivESSIV = ivMode{name: "essiv", new: newESSIVMode}

func newESSIVMode(c ivConfig) (ivGenerator, error) {
	if c.options == "" {
		return nil, fmt.Errorf("crypt: iv mode essiv: no hash given, as in essiv:sha256: %w", ErrSpec)
	}
	return newESSIV(ivFunc(plain64IV), c.mode, c.options, c.key)
}

// newESSIV wraps the generator inner: each of its IVs is encrypted. The kernel
// does the same with the template essiv(…,hash) around an algorithm.
func newESSIV(inner ivGenerator, m *cipherMode, hashName string, key []byte) (ivGenerator, error) {
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
	blocks, err := newBlocks(b, salt)
	if err != nil {
		return nil, err
	}
	return essiv{inner, blocks[0]}, nil
}

type essiv struct {
	inner ivGenerator
	block cipher.Block
}

func (e essiv) generate(ivs []byte, size int, n ivNumbers) {
	e.inner.generate(ivs, size, n)
	encryptBlocks(e.block, ivs, ivs, size)
}
