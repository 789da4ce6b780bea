package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/twofish"
)

// twofishCipher is Twofish (Schneier et al., 1998).
var twofishCipher = blockCipher{
	name:      "twofish",
	blockSize: twofish.BlockSize,
	keySizes:  []int{16, 24, 32},
	note:      "two blocks at a time; not constant time: tables that depend on the key",
	new:       func(key []byte) (cipher.Block, error) { return twofish.New(key) },
}
