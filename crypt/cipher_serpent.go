package crypt

import (
	"crypto/cipher"

	"github.com/dmimg/dmimg/crypt/internal/serpent"
)

// serpentCipher is Serpent (Anderson, Biham, Knudsen, 1998). The kernel takes keys
// of every length up to 32 bytes.
var serpentCipher = blockCipher{
	name:      "serpent",
	blockSize: serpent.BlockSize,
	keySizes:  sizesBetween(0, serpent.MaxKeySize),
	note:      "bit-sliced, four blocks at a time; constant time",
	new:       func(key []byte) (cipher.Block, error) { return serpent.New(key) },
}
