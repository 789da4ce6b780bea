// Package serpent is the block cipher Serpent (R. Anderson, E. Biham, L. Knudsen:
// Serpent: A Proposal for the Advanced Encryption Standard, 1998), several blocks
// at a time:
//
//	c, err := serpent.New(key) // 0 to 32 bytes
//	if err != nil {
//		return err
//	}
//	c.EncryptBlocks(dst, src) // each block of 16 bytes by itself
//
// Blocks and keys are read as words of 4 bytes, little-endian, as the kernel and
// libgcrypt do; the NESSIE vectors show both back to front.
//
// Nothing branches on or indexes by keys or data, so the time that it takes tells
// nothing about them.
//
// What it does not do: chaining modes.
package serpent

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	// BlockSize is the size of a block in bytes.
	BlockSize = 16

	// MaxKeySize is the size of the longest key in bytes. Shorter ones are filled
	// up, a single bit 1 in front of zeros.
	MaxKeySize = 32

	rounds = 32
	stride = 4 * BlockSize // bytes that are worked on at once
)

// Cipher is Serpent with a key. Its methods but Wipe may be called concurrently.
type Cipher struct {
	keys [rounds + 1][4]uint64 // round keys, spread as the blocks are
}

// New returns the cipher for a key of up to MaxKeySize bytes, which is not kept.
func New(key []byte) (*Cipher, error) {
	if len(key) > MaxKeySize {
		return nil, fmt.Errorf("serpent: key of %d bytes, at most %d", len(key), MaxKeySize)
	}
	c := new(Cipher)
	c.expand(key)
	return c, nil
}

// expand makes the round keys.
func (c *Cipher) expand(key []byte) {
	const phi = 0x9e3779b9 // the fractional part of the golden ratio
	var full [MaxKeySize + 1]byte
	full[copy(full[:], key)] = 1
	var w [8 + 4*(rounds+1)]uint32
	for i := range 8 {
		w[i] = binary.LittleEndian.Uint32(full[4*i:])
	}
	for i := 8; i < len(w); i++ {
		w[i] = bits.RotateLeft32(w[i-8]^w[i-5]^w[i-3]^w[i-1]^phi^uint32(i-8), 11)
	}
	// The S-boxes are taken downwards, from 3 on.
	for i := range c.keys {
		k := (*[4]uint32)(w[8+4*i:])
		a, b, c0, d := uint64(k[0]), uint64(k[1]), uint64(k[2]), uint64(k[3])
		switch (3 - i) & 7 {
		case 0:
			a, b, c0, d = sbox0(a, b, c0, d)
		case 1:
			a, b, c0, d = sbox1(a, b, c0, d)
		case 2:
			a, b, c0, d = sbox2(a, b, c0, d)
		case 3:
			a, b, c0, d = sbox3(a, b, c0, d)
		case 4:
			a, b, c0, d = sbox4(a, b, c0, d)
		case 5:
			a, b, c0, d = sbox5(a, b, c0, d)
		case 6:
			a, b, c0, d = sbox6(a, b, c0, d)
		case 7:
			a, b, c0, d = sbox7(a, b, c0, d)
		}
		c.keys[i] = [4]uint64{double(a), double(b), double(c0), double(d)}
	}
	clear(w[:])
	clear(full[:])
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher) Wipe() { clear(c.keys[:]) }

// BlockSize returns the size of a block in bytes.
func (c *Cipher) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst. It costs as much as four
// blocks of EncryptBlocks.
func (c *Cipher) Encrypt(dst, src []byte) { c.EncryptBlocks(dst[:BlockSize], src[:BlockSize]) }

// Decrypt is the inverse of Encrypt.
func (c *Cipher) Decrypt(dst, src []byte) { c.DecryptBlocks(dst[:BlockSize], src[:BlockSize]) }

// EncryptBlocks encrypts every block of src into dst, which is at least as long
// and the same memory or apart. A length that is no multiple of BlockSize panics.
func (c *Cipher) EncryptBlocks(dst, src []byte) {
	check(dst, src)
	var s state
	for len(src) >= stride {
		s.load((*[stride]byte)(src))
		c.encrypt(&s)
		s.store((*[stride]byte)(dst))
		dst, src = dst[stride:], src[stride:]
	}
	if len(src) > 0 {
		var rest [stride]byte
		copy(rest[:], src)
		s.load(&rest)
		c.encrypt(&s)
		s.store(&rest)
		copy(dst, rest[:len(src)])
		clear(rest[:])
	}
}

// DecryptBlocks is the inverse of EncryptBlocks.
func (c *Cipher) DecryptBlocks(dst, src []byte) {
	check(dst, src)
	var s state
	for len(src) >= stride {
		s.load((*[stride]byte)(src))
		c.decrypt(&s)
		s.store((*[stride]byte)(dst))
		dst, src = dst[stride:], src[stride:]
	}
	if len(src) > 0 {
		var rest [stride]byte
		copy(rest[:], src)
		s.load(&rest)
		c.decrypt(&s)
		s.store(&rest)
		copy(dst, rest[:len(src)])
		clear(rest[:])
	}
}

func check(dst, src []byte) {
	switch {
	case len(src)%BlockSize != 0:
		panic("serpent: input is not whole blocks")
	case len(dst) < len(src):
		panic("serpent: output smaller than input")
	}
}
