// Package camellia is the block cipher Camellia (RFC 3713), two blocks at a time:
//
//	c, err := camellia.New(key) // 16, 24 or 32 bytes
//	if err != nil {
//		return err
//	}
//	c.EncryptBlocks(dst, src) // each block of 16 bytes by itself
//
// It looks up tables of 16 KiB at places that depend on key and data, so it does not
// take constant time: who shares the processor's cache may learn about the key.
//
// What it does not do: chaining modes.
package camellia

import (
	"encoding/binary"
	"fmt"
)

const (
	// BlockSize is the size of a block in bytes.
	BlockSize = 16

	stride = 2 * BlockSize // bytes that are worked on at once
)

// Cipher is Camellia with a key. Its methods but Wipe may be called concurrently.
type Cipher struct {
	tables *tables
	enc    schedule
	dec    schedule
}

// New returns the cipher for a key of 16, 24 or 32 bytes, which is not kept.
func New(key []byte) (*Cipher, error) {
	switch len(key) {
	case 16, 24, 32:
	default:
		return nil, fmt.Errorf("camellia: key of %d bytes, want 16, 24 or 32", len(key))
	}
	c := &Cipher{tables: sharedTables()}
	c.enc = c.tables.expand(key)
	c.dec = c.enc.reversed()
	return c, nil
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher) Wipe() { c.enc, c.dec = schedule{}, schedule{} }

// BlockSize returns the size of a block in bytes.
func (c *Cipher) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst. It costs as much as two blocks
// of EncryptBlocks.
func (c *Cipher) Encrypt(dst, src []byte) {
	c.blocks(&c.enc, dst[:BlockSize], src[:BlockSize])
}

// Decrypt is the inverse of Encrypt.
func (c *Cipher) Decrypt(dst, src []byte) {
	c.blocks(&c.dec, dst[:BlockSize], src[:BlockSize])
}

// EncryptBlocks encrypts every block of src into dst, which is at least as long and
// the same memory or apart. A length that is no multiple of BlockSize panics.
func (c *Cipher) EncryptBlocks(dst, src []byte) { c.blocks(&c.enc, dst, src) }

// DecryptBlocks is the inverse of EncryptBlocks.
func (c *Cipher) DecryptBlocks(dst, src []byte) { c.blocks(&c.dec, dst, src) }

func (c *Cipher) blocks(k *schedule, dst, src []byte) {
	switch {
	case len(src)%BlockSize != 0:
		panic("camellia: input is not whole blocks")
	case len(dst) < len(src):
		panic("camellia: output smaller than input")
	}
	for len(src) >= stride {
		c.tables.crypt(k, (*[stride]byte)(dst), (*[stride]byte)(src))
		dst, src = dst[stride:], src[stride:]
	}
	if len(src) > 0 {
		var rest [stride]byte
		copy(rest[:], src)
		c.tables.crypt(k, &rest, &rest)
		copy(dst, rest[:BlockSize])
		clear(rest[:])
	}
}

// crypt encrypts two blocks with k, or decrypts them if k is reversed.
func (t *tables) crypt(k *schedule, dst, src *[stride]byte) {
	a, b := binary.BigEndian.Uint64(src[0:])^k.before[0], binary.BigEndian.Uint64(src[8:])^k.before[1]
	p, q := binary.BigEndian.Uint64(src[16:])^k.before[0], binary.BigEndian.Uint64(src[24:])^k.before[1]
	for i := range k.groups {
		if i > 0 {
			layer := &k.layers[i-1]
			a, b = mix(a, layer[0]), unmix(b, layer[1])
			p, q = mix(p, layer[0]), unmix(q, layer[1])
		}
		keys := &k.rounds[i]
		u, v := t.f(a^keys[0], p^keys[0])
		b, q = b^u, q^v
		u, v = t.f(b^keys[1], q^keys[1])
		a, p = a^u, p^v
		u, v = t.f(a^keys[2], p^keys[2])
		b, q = b^u, q^v
		u, v = t.f(b^keys[3], q^keys[3])
		a, p = a^u, p^v
		u, v = t.f(a^keys[4], p^keys[4])
		b, q = b^u, q^v
		u, v = t.f(b^keys[5], q^keys[5])
		a, p = a^u, p^v
	}
	binary.BigEndian.PutUint64(dst[0:], b^k.after[0])
	binary.BigEndian.PutUint64(dst[8:], a^k.after[1])
	binary.BigEndian.PutUint64(dst[16:], q^k.after[0])
	binary.BigEndian.PutUint64(dst[24:], p^k.after[1])
}
