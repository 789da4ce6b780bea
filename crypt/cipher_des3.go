package crypt

import "crypto/des"

// des3Cipher is triple DES with three keys (FIPS 46-3), blocks of 8 bytes.
var des3Cipher = blockCipher{
	name:      "des3_ede",
	blockSize: des.BlockSize,
	keySizes:  []int{24},
	note:      "crypto/des; not constant time: table look-ups; 64-bit blocks",
	new:       des.NewTripleDESCipher,
}
