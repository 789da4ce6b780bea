package crypt

import (
	"crypto/cipher"

	"golang.org/x/crypto/blowfish" //lint:ignore SA1019 volumes in blowfish exist
)

// blowfishCipher is Blowfish (Schneier, 1993), with blocks of 8 bytes.
var blowfishCipher = blockCipher{
	name:      "blowfish",
	blockSize: blowfish.BlockSize,
	keySizes:  sizesBetween(4, 56),
	note:      "x/crypto/blowfish; not constant time: tables that depend on the key; 64-bit blocks",
	new:       func(key []byte) (cipher.Block, error) { return blowfish.NewCipher(key) },
}

// sizesBetween returns every size from first to last.
func sizesBetween(first, last int) []int {
	var sizes []int
	for size := first; size <= last; size++ {
		sizes = append(sizes, size)
	}
	return sizes
}
