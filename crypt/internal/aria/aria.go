// Package aria is the block cipher ARIA (RFC 5794):
//
//	c, err := aria.New(key) // 16, 24 or 32 bytes
//	if err != nil {
//		return err
//	}
//	c.EncryptBlocks(dst, src) // each block of 16 bytes by itself
//
// It looks up tables of 8 KiB at places that depend on key and data, so it does not
// take constant time: who shares the processor's cache may learn about the key.
//
// What it does not do: chaining modes.
package aria

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

const (
	// BlockSize is the size of a block in bytes.
	BlockSize = 16

	maxRounds = 16
)

// Cipher is ARIA with a key. Its methods but Wipe may be called concurrently.
type Cipher struct {
	tables   *tables
	rounds   int                 // 12, 14 or 16
	enc, dec [maxRounds + 1]word // round keys in the order of use
}

// New returns the cipher for a key of 16, 24 or 32 bytes, which is not kept.
func New(key []byte) (*Cipher, error) {
	switch len(key) {
	case 16, 24, 32:
	default:
		return nil, fmt.Errorf("aria: key of %d bytes, want 16, 24 or 32", len(key))
	}
	c := &Cipher{tables: sharedTables(), rounds: 8 + len(key)/4}
	c.expand(key)
	return c, nil
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher) Wipe() { c.enc, c.dec = [maxRounds + 1]word{}, [maxRounds + 1]word{} }

// BlockSize returns the size of a block in bytes.
func (c *Cipher) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst.
func (c *Cipher) Encrypt(dst, src []byte) { c.blocks(&c.enc, dst[:BlockSize], src[:BlockSize]) }

// Decrypt is the inverse of Encrypt.
func (c *Cipher) Decrypt(dst, src []byte) { c.blocks(&c.dec, dst[:BlockSize], src[:BlockSize]) }

// EncryptBlocks encrypts every block of src into dst, which is at least as long and
// the same memory or apart. A length that is no multiple of BlockSize panics.
func (c *Cipher) EncryptBlocks(dst, src []byte) { c.blocks(&c.enc, dst, src) }

// DecryptBlocks is the inverse of EncryptBlocks.
func (c *Cipher) DecryptBlocks(dst, src []byte) { c.blocks(&c.dec, dst, src) }

func (c *Cipher) blocks(keys *[maxRounds + 1]word, dst, src []byte) {
	switch {
	case len(src)%BlockSize != 0:
		panic("aria: input is not whole blocks")
	case len(dst) < len(src):
		panic("aria: output smaller than input")
	}
	for len(src) > 0 {
		c.tables.crypt(keys[:c.rounds+1], (*[BlockSize]byte)(dst), (*[BlockSize]byte)(src))
		dst, src = dst[BlockSize:], src[BlockSize:]
	}
}

// word is a block as four numbers of 32 bits, big-endian.
type word [4]uint32

func load(p *[BlockSize]byte) word {
	return word{
		binary.BigEndian.Uint32(p[0:]), binary.BigEndian.Uint32(p[4:]),
		binary.BigEndian.Uint32(p[8:]), binary.BigEndian.Uint32(p[12:]),
	}
}

func (w word) store(p *[BlockSize]byte) {
	for i, v := range w {
		binary.BigEndian.PutUint32(p[4*i:], v)
	}
}

func (w word) xor(v word) word {
	return word{w[0] ^ v[0], w[1] ^ v[1], w[2] ^ v[2], w[3] ^ v[3]}
}

// crypt encrypts a block, or decrypts it if the round keys are those of that. It is
// layer and substitute with the words in variables, which is ten times as fast.
func (t *tables) crypt(keys []word, dst, src *[BlockSize]byte) {
	k := &keys[0]
	a, b := binary.BigEndian.Uint32(src[0:])^k[0], binary.BigEndian.Uint32(src[4:])^k[1]
	c, d := binary.BigEndian.Uint32(src[8:])^k[2], binary.BigEndian.Uint32(src[12:])^k[3]
	last := len(keys) - 1
	for i := 1; i < last; i++ {
		s := &t[(i-1)&1]
		a, b, c, d = s.word(a), s.word(b), s.word(c), s.word(d)
		all := a ^ b ^ c ^ d
		a, b, c, d = all^d, all^b, all^c, all^a
		b = b<<8&0xff00ff00 | b>>8&0x00ff00ff
		c = bits.RotateLeft32(c, 16)
		d = bits.ReverseBytes32(d)
		all = a ^ b ^ c ^ d
		k = &keys[i]
		a, b, c, d = all^d^k[0], all^b^k[1], all^c^k[2], all^a^k[3]
	}
	substitute(word{a, b, c, d}).xor(keys[last]).store(dst)
}
