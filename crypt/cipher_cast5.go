package crypt

import (
	"crypto/cipher"

	"golang.org/x/crypto/cast5" //lint:ignore SA1019 volumes in cast5 exist
)

// cast5Cipher is CAST-128 (RFC 2144), with blocks of 8 bytes. The kernel takes
// shorter keys too; they have fewer rounds and are not supported.
var cast5Cipher = blockCipher{
	name:      "cast5",
	blockSize: cast5.BlockSize,
	keySizes:  []int{cast5.KeySize},
	note:      "x/crypto/cast5; not constant time: table look-ups; 64-bit blocks",
	new:       func(key []byte) (cipher.Block, error) { return cast5.NewCipher(key) },
}
