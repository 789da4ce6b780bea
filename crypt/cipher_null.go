package crypt

import "crypto/cipher"

// nullCipher is the cipher that does nothing, with an empty key (the word "-" on a
// table line) and blocks of one byte. cryptsetup uses it in the mode ecb to format
// without encryption. In the others every byte is XORed with the one before it.
var nullCipher = blockCipher{
	name:      "cipher_null",
	blockSize: 1,
	keySizes:  []int{0},
	note:      "no encryption at all",
	new:       func([]byte) (cipher.Block, error) { return nullBlock{}, nil },
}

type nullBlock struct{}

func (nullBlock) BlockSize() int          { return 1 }
func (nullBlock) Encrypt(dst, src []byte) { dst[0] = src[0] }
func (nullBlock) Decrypt(dst, src []byte) { dst[0] = src[0] }

// nullECB is the mode that leaves everything as it is.
func nullECB() cipherMode {
	m := ecbOf(nullCipher)
	m.new = func([]byte, string) (sectorMode, error) { return nullMode{}, nil }
	return m
}

type nullMode struct{}

func (nullMode) encrypt(dst, src, _ []byte, _ int) { copy(dst, src) }
func (nullMode) decrypt(dst, src, _ []byte, _ int) { copy(dst, src) }

// nullChained is m, a chaining mode of nullCipher, with IVs of 8 bytes: the kernel
// makes no shorter ones, and uses the first byte.
func nullChained(m cipherMode) cipherMode {
	chained := m.new
	m.ivSize = nullIV
	m.new = func(key []byte, implementation string) (sectorMode, error) {
		mode, err := chained(key, implementation)
		return nullChain{mode}, err
	}
	return m
}

const nullIV = 8 // bytes

type nullChain struct{ mode sectorMode }

func (m nullChain) encrypt(dst, src, ivs []byte, size int) {
	m.mode.encrypt(dst, src, firstBytes(ivs), size)
}

func (m nullChain) decrypt(dst, src, ivs []byte, size int) {
	m.mode.decrypt(dst, src, firstBytes(ivs), size)
}

// firstBytes moves the first byte of every IV to the front.
func firstBytes(ivs []byte) []byte {
	n := len(ivs) / nullIV
	for i := range n {
		ivs[i] = ivs[i*nullIV]
	}
	return ivs[:n]
}
