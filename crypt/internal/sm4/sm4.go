// Package sm4 is the block cipher SM4 (GB/T 32907-2016, ISO/IEC 18033-3), two blocks
// at a time:
//
//	c, err := sm4.New(key) // 16 bytes
//	if err != nil {
//		return err
//	}
//	c.EncryptBlocks(dst, src) // each block of 16 bytes by itself
//
// It looks up tables of 4 KiB at places that depend on key and data, so it does not
// take constant time: who shares the processor's cache may learn about the key.
//
// What it does not do: chaining modes.
package sm4

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	// BlockSize is the size of a block in bytes.
	BlockSize = 16

	// KeySize is the size of a key in bytes.
	KeySize = 16

	rounds = 32
	stride = 2 * BlockSize // bytes that are worked on at once
)

// Cipher is SM4 with a key. Its methods but Wipe may be called concurrently.
type Cipher struct {
	tables   *tables
	enc, dec [rounds]uint32 // round keys in the order of use
}

// New returns the cipher for a key of KeySize bytes, which is not kept.
func New(key []byte) (*Cipher, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("sm4: key of %d bytes, want %d", len(key), KeySize)
	}
	c := &Cipher{tables: sharedTables()}
	c.expand(key)
	return c, nil
}

// expand makes the round keys.
func (c *Cipher) expand(key []byte) {
	var k [4]uint32
	for i, system := range [4]uint32{0xa3b1bac6, 0x56aa3350, 0x677d9197, 0xb27022dc} {
		k[i] = binary.BigEndian.Uint32(key[4*i:]) ^ system
	}
	for i := range rounds {
		// The bytes of the constant are 7 times their number.
		n := uint32(28 * i)
		constant := n&0xff<<24 | (n+7)&0xff<<16 | (n+14)&0xff<<8 | (n+21)&0xff
		x := k[1] ^ k[2] ^ k[3] ^ constant
		x = uint32(sbox[uint8(x>>24)])<<24 | uint32(sbox[uint8(x>>16)])<<16 |
			uint32(sbox[uint8(x>>8)])<<8 | uint32(sbox[uint8(x)])
		next := k[0] ^ x ^ bits.RotateLeft32(x, 13) ^ bits.RotateLeft32(x, 23)
		k = [4]uint32{k[1], k[2], k[3], next}
		c.enc[i], c.dec[rounds-1-i] = next, next
	}
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher) Wipe() { c.enc, c.dec = [rounds]uint32{}, [rounds]uint32{} }

// BlockSize returns the size of a block in bytes.
func (c *Cipher) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst. It costs as much as two blocks
// of EncryptBlocks.
func (c *Cipher) Encrypt(dst, src []byte) { c.blocks(&c.enc, dst[:BlockSize], src[:BlockSize]) }

// Decrypt is the inverse of Encrypt.
func (c *Cipher) Decrypt(dst, src []byte) { c.blocks(&c.dec, dst[:BlockSize], src[:BlockSize]) }

// EncryptBlocks encrypts every block of src into dst, which is at least as long and
// the same memory or apart. A length that is no multiple of BlockSize panics.
func (c *Cipher) EncryptBlocks(dst, src []byte) { c.blocks(&c.enc, dst, src) }

// DecryptBlocks is the inverse of EncryptBlocks.
func (c *Cipher) DecryptBlocks(dst, src []byte) { c.blocks(&c.dec, dst, src) }

func (c *Cipher) blocks(keys *[rounds]uint32, dst, src []byte) {
	switch {
	case len(src)%BlockSize != 0:
		panic("sm4: input is not whole blocks")
	case len(dst) < len(src):
		panic("sm4: output smaller than input")
	}
	for len(src) >= stride {
		c.tables.crypt(keys, (*[stride]byte)(dst), (*[stride]byte)(src))
		dst, src = dst[stride:], src[stride:]
	}
	if len(src) > 0 {
		var rest [stride]byte
		copy(rest[:], src)
		c.tables.crypt(keys, &rest, &rest)
		copy(dst, rest[:BlockSize])
		clear(rest[:])
	}
}

// crypt encrypts two blocks, or decrypts them if the round keys are those of that.
func (t *tables) crypt(keys *[rounds]uint32, dst, src *[stride]byte) {
	a, b := binary.BigEndian.Uint32(src[0:]), binary.BigEndian.Uint32(src[4:])
	c, d := binary.BigEndian.Uint32(src[8:]), binary.BigEndian.Uint32(src[12:])
	p, q := binary.BigEndian.Uint32(src[16:]), binary.BigEndian.Uint32(src[20:])
	r, s := binary.BigEndian.Uint32(src[24:]), binary.BigEndian.Uint32(src[28:])
	for i := 0; i < rounds; i += 4 {
		k := (*[4]uint32)(keys[i:])
		a ^= t.transform(b ^ c ^ d ^ k[0])
		p ^= t.transform(q ^ r ^ s ^ k[0])
		b ^= t.transform(c ^ d ^ a ^ k[1])
		q ^= t.transform(r ^ s ^ p ^ k[1])
		c ^= t.transform(d ^ a ^ b ^ k[2])
		r ^= t.transform(s ^ p ^ q ^ k[2])
		d ^= t.transform(a ^ b ^ c ^ k[3])
		s ^= t.transform(p ^ q ^ r ^ k[3])
	}
	// The words come out in the opposite order.
	binary.BigEndian.PutUint32(dst[0:], d)
	binary.BigEndian.PutUint32(dst[4:], c)
	binary.BigEndian.PutUint32(dst[8:], b)
	binary.BigEndian.PutUint32(dst[12:], a)
	binary.BigEndian.PutUint32(dst[16:], s)
	binary.BigEndian.PutUint32(dst[20:], r)
	binary.BigEndian.PutUint32(dst[24:], q)
	binary.BigEndian.PutUint32(dst[28:], p)
}
