package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/cast"
)

// cast6Cipher is CAST-256 (RFC 2612).
var cast6Cipher = blockCipher{
	name:      "cast6",
	blockSize: cast.BlockSize6,
	keySizes:  []int{16, 20, 24, 28, 32},
	note:      "not constant time: table look-ups",
	new:       func(key []byte) (cipher.Block, error) { return cast.New6(key) },
}
