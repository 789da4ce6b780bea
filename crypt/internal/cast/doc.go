// Package cast is the block ciphers CAST-128 (RFC 2144), which the kernel calls
// cast5, and CAST-256 (RFC 2612), its cast6:
//
//	c, err := cast.New6(key) // 16, 20, 24, 28 or 32 bytes
//	if err != nil {
//		return err
//	}
//	c.EncryptBlocks(dst, src) // each block of 16 bytes by itself
//
// They look up tables of 4 KiB at places that depend on key and data, so they do not
// take constant time: who shares the processor's cache may learn about the key.
//
// What it does not do: chaining modes.
package cast

import "math/bits"

// f1, f2 and f3 are the three kinds of round function, of a word and the masking and
// the rotation key of the round.

func f1(d, mask uint32, rotation uint8) uint32 {
	i := bits.RotateLeft32(mask+d, int(rotation))
	return (sboxes[0][uint8(i>>24)] ^ sboxes[1][uint8(i>>16)]) - sboxes[2][uint8(i>>8)] + sboxes[3][uint8(i)]
}

func f2(d, mask uint32, rotation uint8) uint32 {
	i := bits.RotateLeft32(mask^d, int(rotation))
	return (sboxes[0][uint8(i>>24)] - sboxes[1][uint8(i>>16)] + sboxes[2][uint8(i>>8)]) ^ sboxes[3][uint8(i)]
}

func f3(d, mask uint32, rotation uint8) uint32 {
	i := bits.RotateLeft32(mask-d, int(rotation))
	return (sboxes[0][uint8(i>>24)] + sboxes[1][uint8(i>>16)]) ^ sboxes[2][uint8(i>>8)] - sboxes[3][uint8(i)]
}
