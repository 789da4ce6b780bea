package crypt

import (
	"crypto/cipher"
	"crypto/subtle"
)

// cmacBlock is the block of the ciphers that CMAC is made of here, and the size
// of a MAC, in bytes.
const cmacBlock = 16

// cmac is CMAC (NIST SP 800-38B) as a [hash.Hash]. Its time depends on lengths
// only, if that of the block cipher does.
type cmac struct {
	block      cipher.Block
	key1, key2 [cmacBlock]byte
	chain      [cmacBlock]byte
	last       [cmacBlock]byte // the bytes not yet in chain
	fill       int             // how many, up to a whole block
}

func newCMAC(block cipher.Block) *cmac {
	c := &cmac{block: block}
	block.Encrypt(c.key1[:], c.key1[:])
	c.key1 = doubled(c.key1)
	c.key2 = doubled(c.key1)
	return c
}

// doubled multiplies by x in GF(2^128), in the bit order of SP 800-38B.
func doubled(in [cmacBlock]byte) (out [cmacBlock]byte) {
	carry := byte(0)
	for i := cmacBlock - 1; i >= 0; i-- {
		out[i] = in[i]<<1 | carry
		carry = in[i] >> 7
	}
	out[cmacBlock-1] ^= 0x87 & -carry
	return out
}

func (c *cmac) Size() int      { return cmacBlock }
func (c *cmac) BlockSize() int { return cmacBlock }

func (c *cmac) Reset() { c.chain, c.last, c.fill = [cmacBlock]byte{}, [cmacBlock]byte{}, 0 }

// Write never fails. A whole block waits in last until more follows, since the
// last block of a message is treated differently.
func (c *cmac) Write(p []byte) (int, error) {
	length := len(p)
	for len(p) > 0 {
		if c.fill == cmacBlock {
			c.absorb(c.last[:])
			c.fill = 0
		}
		for c.fill == 0 && len(p) > cmacBlock {
			c.absorb(p[:cmacBlock])
			p = p[cmacBlock:]
		}
		n := copy(c.last[c.fill:], p)
		c.fill += n
		p = p[n:]
	}
	return length, nil
}

func (c *cmac) absorb(block []byte) {
	subtle.XORBytes(c.chain[:], c.chain[:], block)
	c.block.Encrypt(c.chain[:], c.chain[:])
}

// Sum appends the MAC; nothing may be written after it until Reset.
func (c *cmac) Sum(b []byte) []byte {
	key := &c.key1
	if c.fill < cmacBlock {
		key = &c.key2
		clear(c.last[c.fill:])
		c.last[c.fill] = 0x80
	}
	subtle.XORBytes(c.last[:], c.last[:], key[:])
	c.absorb(c.last[:])
	return append(b, c.chain[:]...)
}
