package crypt

import "crypto/aes"

// aesCipher is AES (FIPS 197) from the standard library.
var aesCipher = blockCipher{
	name:      "aes",
	blockSize: aes.BlockSize,
	keySizes:  []int{16, 24, 32},
	note:      "crypto/aes; constant time where the processor has AES instructions",
	new:       aes.NewCipher,
}
