package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/cast"
)

// cast5Cipher is CAST-128 (RFC 2144), with blocks of 8 bytes. Keys of up to 10 bytes
// have fewer rounds.
var cast5Cipher = blockCipher{
	name:      "cast5",
	blockSize: cast.BlockSize5,
	keySizes:  sizesBetween(cast.MinKeySize5, cast.MaxKeySize5),
	note:      "not constant time: table look-ups; 64-bit blocks",
	new:       func(key []byte) (cipher.Block, error) { return cast.New5(key) },
}
