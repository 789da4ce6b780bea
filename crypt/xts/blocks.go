package xts

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
)

// Blocks is AES on many blocks that do not depend on one another, by the
// implementations that XTS has: what goes into other modes of operation that work
// on disk sectors. By itself it is no mode to encrypt data with. Its methods may be
// called concurrently, except Wipe.
type Blocks struct {
	impl  impl
	keys  roundKeys    // of an implementation in assembly
	block cipher.Block // of the generic one
}

// NewBlocks returns Blocks for a key of 16, 24 or 32 bytes, which is not kept, with
// the best implementation for this machine. The error wraps [ErrKeySize].
func NewBlocks(key []byte) (*Blocks, error) {
	return newBlocks(key, available()[0])
}

// NewBlocksImpl is NewBlocks with the implementation chosen by name, one of
// [Implementations].
func NewBlocksImpl(key []byte, name string) (*Blocks, error) {
	i, err := lookup(name)
	if err != nil {
		return nil, err
	}
	return newBlocks(key, i)
}

func newBlocks(key []byte, i impl) (*Blocks, error) {
	switch len(key) {
	case 16, 24, 32:
	default:
		return nil, fmt.Errorf("xts: AES key of %d bytes, want 16, 24 or 32: %w", len(key), ErrKeySize)
	}
	b := &Blocks{impl: i}
	if i != implGeneric {
		b.keys.expandData(key)
		return b, nil
	}
	var err error
	if b.block, err = aes.NewCipher(key); err != nil {
		return nil, fmt.Errorf("xts: %w", err)
	}
	return b, nil
}

// Implementation returns the name of the implementation in use.
func (b *Blocks) Implementation() string { return b.impl.String() }

// Wipe makes b forget its key, as [Cipher.Wipe] does.
func (b *Blocks) Wipe() { *b = Blocks{} }

// Encrypt encrypts each block of src into dst. len(src) is a multiple of 16, dst at
// least as long, and the two are the same memory or do not overlap. Other lengths
// panic.
func (b *Blocks) Encrypt(dst, src []byte) {
	checkBlocks(dst, src)
	dst = dst[:copy(dst, src)]
	if b.impl == implGeneric {
		encryptBlocks(b.block, dst)
		return
	}
	b.encryptInPlace(dst)
}

// Decrypt is the inverse of Encrypt.
func (b *Blocks) Decrypt(dst, src []byte) {
	checkBlocks(dst, src)
	dst = dst[:copy(dst, src)]
	if b.impl == implGeneric {
		decryptBlocks(b.block, dst)
		return
	}
	b.decryptInPlace(dst)
}

func checkBlocks(dst, src []byte) {
	switch {
	case len(src)%BlockSize != 0:
		panic("xts: input not full blocks")
	case len(dst) < len(src):
		panic("xts: output smaller than input")
	}
}
