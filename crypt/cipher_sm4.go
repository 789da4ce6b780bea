package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/sm4"
)

// sm4Cipher is SM4 (GB/T 32907-2016).
var sm4Cipher = blockCipher{
	name:      "sm4",
	blockSize: sm4.BlockSize,
	keySizes:  []int{sm4.KeySize},
	note:      "two blocks at a time; not constant time: table look-ups",
	new:       func(key []byte) (cipher.Block, error) { return sm4.New(key) },
}
