package crypt

import "crypto/des"

// desCipher is DES (FIPS 46-3), blocks of 8 bytes. Its keys can be searched through.
var desCipher = blockCipher{
	name:      "des",
	blockSize: des.BlockSize,
	keySizes:  []int{8},
	note:      "crypto/des; not constant time: table look-ups; 64-bit blocks; broken",
	new:       des.NewCipher,
}
