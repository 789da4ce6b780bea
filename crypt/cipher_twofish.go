package crypt

import (
	"crypto/cipher"

	"golang.org/x/crypto/twofish" //lint:ignore SA1019 volumes in twofish exist
)

// twofishCipher is Twofish (Schneier et al., 1998).
var twofishCipher = blockCipher{
	name:      "twofish",
	blockSize: twofish.BlockSize,
	keySizes:  []int{16, 24, 32},
	note:      "x/crypto/twofish; not constant time: tables that depend on the key",
	new:       func(key []byte) (cipher.Block, error) { return twofish.NewCipher(key) },
}
