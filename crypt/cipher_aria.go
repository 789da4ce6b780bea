package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/aria"
)

// ariaCipher is ARIA (RFC 5794).
var ariaCipher = blockCipher{
	name:      "aria",
	blockSize: aria.BlockSize,
	keySizes:  []int{16, 24, 32},
	note:      "not constant time: table look-ups",
	new:       func(key []byte) (cipher.Block, error) { return aria.New(key) },
}
