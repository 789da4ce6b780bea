package cast

import (
	"encoding/binary"
	"fmt"
)

// BlockSize6 is the size of a block of CAST-256 in bytes.
const BlockSize6 = 16

// Cipher6 is CAST-256 with a key. Its methods but Wipe may be called concurrently.
type Cipher6 struct {
	quads [12]quad
}

// quad is the keys of four rounds.
type quad struct {
	masks     [4]uint32
	rotations [4]uint8 // to the left, below 32
}

// New6 returns CAST-256 for a key of 16, 20, 24, 28 or 32 bytes, which is not kept.
func New6(key []byte) (*Cipher6, error) {
	switch len(key) {
	case 16, 20, 24, 28, 32:
	default:
		return nil, fmt.Errorf("cast6: key of %d bytes, want 16, 20, 24, 28 or 32", len(key))
	}
	c := new(Cipher6)
	c.expand(key)
	return c, nil
}

// expand makes the round keys (RFC 2612, 2.4).
func (c *Cipher6) expand(key []byte) {
	var full [32]byte
	copy(full[:], key)
	var k [8]uint32
	for i := range k {
		k[i] = binary.BigEndian.Uint32(full[4*i:])
	}
	mask, rotation := uint32(0x5a827999), uint8(19)
	turn := func() {
		for i := range k {
			// Words 6, 5, … 0 and 7 change, each by the one behind it.
			at, by := (14-i)%8, (15-i)%8
			switch i % 3 {
			case 0:
				k[at] ^= f1(k[by], mask, rotation)
			case 1:
				k[at] ^= f2(k[by], mask, rotation)
			case 2:
				k[at] ^= f3(k[by], mask, rotation)
			}
			mask, rotation = mask+0x6ed9eba1, (rotation+17)%32
		}
	}
	for i := range c.quads {
		turn()
		turn()
		for j := range 4 {
			c.quads[i].rotations[j] = uint8(k[2*j] % 32)
			c.quads[i].masks[j] = k[7-2*j]
		}
	}
	clear(full[:])
	clear(k[:])
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher6) Wipe() { clear(c.quads[:]) }

// BlockSize returns the size of a block in bytes.
func (c *Cipher6) BlockSize() int { return BlockSize6 }

// Encrypt encrypts the first block of src into dst.
func (c *Cipher6) Encrypt(dst, src []byte) { c.EncryptBlocks(dst[:BlockSize6], src[:BlockSize6]) }

// Decrypt is the inverse of Encrypt.
func (c *Cipher6) Decrypt(dst, src []byte) { c.DecryptBlocks(dst[:BlockSize6], src[:BlockSize6]) }

// EncryptBlocks encrypts every block of src into dst, which is at least as long and
// the same memory or apart. A length that is no multiple of BlockSize6 panics.
func (c *Cipher6) EncryptBlocks(dst, src []byte) {
	check(dst, src, BlockSize6, "cast6")
	for len(src) > 0 {
		w := load(src)
		for i := range 6 {
			w.forward(&c.quads[i])
		}
		for i := 6; i < 12; i++ {
			w.backward(&c.quads[i])
		}
		w.store(dst)
		dst, src = dst[BlockSize6:], src[BlockSize6:]
	}
}

// DecryptBlocks is the inverse of EncryptBlocks.
func (c *Cipher6) DecryptBlocks(dst, src []byte) {
	check(dst, src, BlockSize6, "cast6")
	for len(src) > 0 {
		w := load(src)
		for i := 11; i >= 6; i-- {
			w.forward(&c.quads[i])
		}
		for i := 5; i >= 0; i-- {
			w.backward(&c.quads[i])
		}
		w.store(dst)
		dst, src = dst[BlockSize6:], src[BlockSize6:]
	}
}

func check(dst, src []byte, blockSize int, name string) {
	switch {
	case len(src)%blockSize != 0:
		panic(name + ": input is not whole blocks")
	case len(dst) < len(src):
		panic(name + ": output smaller than input")
	}
}

// words is a block of CAST-256.
type words struct{ a, b, c, d uint32 }

func load(p []byte) words {
	return words{
		binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]),
		binary.BigEndian.Uint32(p[8:]), binary.BigEndian.Uint32(p[12:]),
	}
}

func (w *words) store(p []byte) {
	binary.BigEndian.PutUint32(p, w.a)
	binary.BigEndian.PutUint32(p[4:], w.b)
	binary.BigEndian.PutUint32(p[8:], w.c)
	binary.BigEndian.PutUint32(p[12:], w.d)
}

// forward is a forward quad-round.
func (w *words) forward(q *quad) {
	w.c ^= f1(w.d, q.masks[0], q.rotations[0])
	w.b ^= f2(w.c, q.masks[1], q.rotations[1])
	w.a ^= f3(w.b, q.masks[2], q.rotations[2])
	w.d ^= f1(w.a, q.masks[3], q.rotations[3])
}

// backward is a reverse quad-round, the inverse of forward.
func (w *words) backward(q *quad) {
	w.d ^= f1(w.a, q.masks[3], q.rotations[3])
	w.a ^= f3(w.b, q.masks[2], q.rotations[2])
	w.b ^= f2(w.c, q.masks[1], q.rotations[1])
	w.c ^= f1(w.d, q.masks[0], q.rotations[0])
}
