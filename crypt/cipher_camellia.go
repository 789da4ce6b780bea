package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/camellia"
)

// camelliaCipher is Camellia (RFC 3713).
var camelliaCipher = blockCipher{
	name:      "camellia",
	blockSize: camellia.BlockSize,
	keySizes:  []int{16, 24, 32},
	note:      "two blocks at a time; not constant time: table look-ups",
	new:       func(key []byte) (cipher.Block, error) { return camellia.New(key) },
}
