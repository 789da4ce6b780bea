// Package twofish is the block cipher Twofish (B. Schneier et al.: Twofish: A 128-Bit
// Block Cipher, 1998), two blocks at a time:
//
//	c, err := twofish.New(key) // 16, 24 or 32 bytes
//	if err != nil {
//		return err
//	}
//	c.EncryptBlocks(dst, src) // each block of 16 bytes by itself
//
// It looks up tables of 4 KiB, which are made from the key, at places that depend on
// key and data, so it does not take constant time: who shares the processor's cache
// may learn about the key.
//
// What it does not do: chaining modes.
package twofish

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	// BlockSize is the size of a block in bytes.
	BlockSize = 16

	stride = 2 * BlockSize // bytes that are worked on at once
)

// Cipher is Twofish with a key. Its methods but Wipe may be called concurrently.
type Cipher struct {
	boxes  [4][256]uint32 // the function g, for each byte of a word, the lowest in front
	before [4]uint32      // K0 to K3
	after  [4]uint32      // K4 to K7
	rounds [32]uint32     // K8 to K39
}

// New returns the cipher for a key of 16, 24 or 32 bytes, which is not kept.
func New(key []byte) (*Cipher, error) {
	switch len(key) {
	case 16, 24, 32:
	default:
		return nil, fmt.Errorf("twofish: key of %d bytes, want 16, 24 or 32", len(key))
	}
	c := new(Cipher)
	c.expand(key)
	return c, nil
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher) Wipe() { *c = Cipher{} }

// BlockSize returns the size of a block in bytes.
func (c *Cipher) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst. It costs as much as two blocks
// of EncryptBlocks.
func (c *Cipher) Encrypt(dst, src []byte) { c.EncryptBlocks(dst[:BlockSize], src[:BlockSize]) }

// Decrypt is the inverse of Encrypt.
func (c *Cipher) Decrypt(dst, src []byte) { c.DecryptBlocks(dst[:BlockSize], src[:BlockSize]) }

// EncryptBlocks encrypts every block of src into dst, which is at least as long and
// the same memory or apart. A length that is no multiple of BlockSize panics.
func (c *Cipher) EncryptBlocks(dst, src []byte) {
	check(dst, src)
	for len(src) >= stride {
		c.encrypt((*[stride]byte)(dst), (*[stride]byte)(src))
		dst, src = dst[stride:], src[stride:]
	}
	if len(src) > 0 {
		var rest [stride]byte
		copy(rest[:], src)
		c.encrypt(&rest, &rest)
		copy(dst, rest[:BlockSize])
		clear(rest[:])
	}
}

// DecryptBlocks is the inverse of EncryptBlocks.
func (c *Cipher) DecryptBlocks(dst, src []byte) {
	check(dst, src)
	for len(src) >= stride {
		c.decrypt((*[stride]byte)(dst), (*[stride]byte)(src))
		dst, src = dst[stride:], src[stride:]
	}
	if len(src) > 0 {
		var rest [stride]byte
		copy(rest[:], src)
		c.decrypt(&rest, &rest)
		copy(dst, rest[:BlockSize])
		clear(rest[:])
	}
}

func check(dst, src []byte) {
	switch {
	case len(src)%BlockSize != 0:
		panic("twofish: input is not whole blocks")
	case len(dst) < len(src):
		panic("twofish: output smaller than input")
	}
}

// g is the function g of a word.
func (c *Cipher) g(x uint32) uint32 {
	return c.boxes[0][uint8(x)] ^ c.boxes[1][uint8(x>>8)] ^ c.boxes[2][uint8(x>>16)] ^ c.boxes[3][uint8(x>>24)]
}

// g8 is g of the word rotated to the left by 8.
func (c *Cipher) g8(x uint32) uint32 {
	return c.boxes[0][uint8(x>>24)] ^ c.boxes[1][uint8(x)] ^ c.boxes[2][uint8(x>>8)] ^ c.boxes[3][uint8(x>>16)]
}

// words is a block.
type words [4]uint32

// load reads a block and adds the whitening.
func load(p []byte, k *[4]uint32) words {
	return words{
		binary.LittleEndian.Uint32(p) ^ k[0], binary.LittleEndian.Uint32(p[4:]) ^ k[1],
		binary.LittleEndian.Uint32(p[8:]) ^ k[2], binary.LittleEndian.Uint32(p[12:]) ^ k[3],
	}
}

// store adds the whitening and writes a block.
func store(p []byte, k *[4]uint32, a, b, c, d uint32) {
	binary.LittleEndian.PutUint32(p, a^k[0])
	binary.LittleEndian.PutUint32(p[4:], b^k[1])
	binary.LittleEndian.PutUint32(p[8:], c^k[2])
	binary.LittleEndian.PutUint32(p[12:], d^k[3])
}

// encrypt encrypts two blocks. Two rounds of each are one turn of the loop.
func (c *Cipher) encrypt(dst, src *[stride]byte) {
	m, n := load(src[:BlockSize], &c.before), load(src[BlockSize:], &c.before)
	for i := 0; i < len(c.rounds); i += 4 {
		k := (*[4]uint32)(c.rounds[i:])
		u, v := c.g(m[0]), c.g8(m[1])
		x, y := c.g(n[0]), c.g8(n[1])
		m[2], m[3] = bits.RotateLeft32(m[2]^(u+v+k[0]), -1), bits.RotateLeft32(m[3], 1)^(u+2*v+k[1])
		n[2], n[3] = bits.RotateLeft32(n[2]^(x+y+k[0]), -1), bits.RotateLeft32(n[3], 1)^(x+2*y+k[1])
		u, v = c.g(m[2]), c.g8(m[3])
		x, y = c.g(n[2]), c.g8(n[3])
		m[0], m[1] = bits.RotateLeft32(m[0]^(u+v+k[2]), -1), bits.RotateLeft32(m[1], 1)^(u+2*v+k[3])
		n[0], n[1] = bits.RotateLeft32(n[0]^(x+y+k[2]), -1), bits.RotateLeft32(n[1], 1)^(x+2*y+k[3])
	}
	store(dst[:BlockSize], &c.after, m[2], m[3], m[0], m[1])
	store(dst[BlockSize:], &c.after, n[2], n[3], n[0], n[1])
}

// decrypt is the inverse of encrypt.
func (c *Cipher) decrypt(dst, src *[stride]byte) {
	m, n := load(src[:BlockSize], &c.after), load(src[BlockSize:], &c.after)
	for i := len(c.rounds) - 4; i >= 0; i -= 4 {
		k := (*[4]uint32)(c.rounds[i:])
		u, v := c.g(m[0]), c.g8(m[1])
		x, y := c.g(n[0]), c.g8(n[1])
		m[2], m[3] = bits.RotateLeft32(m[2], 1)^(u+v+k[2]), bits.RotateLeft32(m[3]^(u+2*v+k[3]), -1)
		n[2], n[3] = bits.RotateLeft32(n[2], 1)^(x+y+k[2]), bits.RotateLeft32(n[3]^(x+2*y+k[3]), -1)
		u, v = c.g(m[2]), c.g8(m[3])
		x, y = c.g(n[2]), c.g8(n[3])
		m[0], m[1] = bits.RotateLeft32(m[0], 1)^(u+v+k[0]), bits.RotateLeft32(m[1]^(u+2*v+k[1]), -1)
		n[0], n[1] = bits.RotateLeft32(n[0], 1)^(x+y+k[0]), bits.RotateLeft32(n[1]^(x+2*y+k[1]), -1)
	}
	store(dst[:BlockSize], &c.before, m[2], m[3], m[0], m[1])
	store(dst[BlockSize:], &c.before, n[2], n[3], n[0], n[1])
}
