package cast

import (
	"encoding/binary"
	"fmt"
)

const (
	// BlockSize5 is the size of a block of CAST-128 in bytes.
	BlockSize5 = 8

	// MinKeySize5 and MaxKeySize5 are the sizes of the shortest and the longest key of
	// CAST-128 in bytes.
	MinKeySize5 = 5
	MaxKeySize5 = 16

	shortKey5 = 10 // bytes up to which there are 12 rounds
)

// Cipher5 is CAST-128 with a key. Its methods but Wipe may be called concurrently.
type Cipher5 struct {
	masks     [16]uint32
	rotations [16]uint8 // to the left, below 32
	rounds    int
}

// New5 returns CAST-128 for a key of MinKeySize5 to MaxKeySize5 bytes, which is not
// kept. Keys of up to 10 bytes have 12 rounds, longer ones 16.
func New5(key []byte) (*Cipher5, error) {
	if len(key) < MinKeySize5 || len(key) > MaxKeySize5 {
		return nil, fmt.Errorf("cast5: key of %d bytes, want %d to %d", len(key), MinKeySize5, MaxKeySize5)
	}
	c := &Cipher5{rounds: 16}
	if len(key) <= shortKey5 {
		c.rounds = 12
	}
	var x [16]uint8
	copy(x[:], key)
	var keys [32]uint32
	for i := 0; i < len(keys); i += 16 {
		half5(&x, (*[16]uint32)(keys[i:]))
	}
	for i := range c.masks {
		c.masks[i], c.rotations[i] = keys[i], uint8(keys[16+i]%32)
	}
	clear(x[:])
	clear(keys[:])
	return c, nil
}

// steps5 is how the bytes of the key are stirred (RFC 2144, 2.4): the word of four
// bytes that is taken, the four bytes that index S5 to S8, and a byte of the old
// state and the S-box that it indexes. The four bytes are of the old state in the
// first step, of the new one in the others.
type steps5 [4]struct {
	word int
	at   [4]int
	old  int
	box  int
}

var (
	toZ = steps5{
		{0, [4]int{13, 15, 12, 14}, 8, 6},
		{8, [4]int{0, 2, 1, 3}, 10, 7},
		{12, [4]int{7, 6, 5, 4}, 9, 4},
		{4, [4]int{10, 9, 11, 8}, 11, 5},
	}
	toX = steps5{
		{8, [4]int{5, 7, 4, 6}, 0, 6},
		{0, [4]int{0, 2, 1, 3}, 2, 7},
		{4, [4]int{7, 6, 5, 4}, 1, 4},
		{12, [4]int{10, 9, 11, 8}, 3, 5},
	}
)

func (steps *steps5) stir(old *[16]uint8) (next [16]uint8) {
	for i, s := range steps {
		from := &next
		if i == 0 {
			from = old
		}
		word := binary.BigEndian.Uint32(old[s.word:]) ^ sboxes[s.box][old[s.old]]
		for box, at := range s.at {
			word ^= sboxes[4+box][from[at]]
		}
		binary.BigEndian.PutUint32(next[4*i:], word)
	}
	return next
}

// picks5 says which bytes of the state a round key is made of: four that index S5 to
// S8, and one more for the box that has the number of the key among its four.
type picks5 [4][5]int

var (
	outer1 = picks5{{8, 9, 7, 6, 2}, {10, 11, 5, 4, 6}, {12, 13, 3, 2, 9}, {14, 15, 1, 0, 12}}
	inner1 = picks5{{3, 2, 12, 13, 8}, {1, 0, 14, 15, 13}, {7, 6, 8, 9, 3}, {5, 4, 10, 11, 7}}
	inner2 = picks5{{3, 2, 12, 13, 9}, {1, 0, 14, 15, 12}, {7, 6, 8, 9, 2}, {5, 4, 10, 11, 6}}
	outer2 = picks5{{8, 9, 7, 6, 3}, {10, 11, 5, 4, 7}, {12, 13, 3, 2, 8}, {14, 15, 1, 0, 13}}
)

func (picks *picks5) keys(out []uint32, state *[16]uint8) {
	for i, p := range picks {
		out[i] = sboxes[4+i][state[p[4]]]
		for box := range 4 {
			out[i] ^= sboxes[4+box][state[p[box]]]
		}
	}
}

// half5 makes 16 round keys and leaves the state for the next 16 in x.
func half5(x *[16]uint8, keys *[16]uint32) {
	z := toZ.stir(x)
	outer1.keys(keys[0:], &z)
	*x = toX.stir(&z)
	inner1.keys(keys[4:], x)
	z = toZ.stir(x)
	inner2.keys(keys[8:], &z)
	*x = toX.stir(&z)
	outer2.keys(keys[12:], x)
	clear(z[:])
}

// Wipe overwrites the round keys. The cipher cannot be used afterwards.
func (c *Cipher5) Wipe() { *c = Cipher5{} }

// BlockSize returns the size of a block in bytes.
func (c *Cipher5) BlockSize() int { return BlockSize5 }

// Encrypt encrypts the first block of src into dst, the same memory or apart.
func (c *Cipher5) Encrypt(dst, src []byte) {
	l, r := binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])
	for i := range c.rounds {
		l, r = r, l^c.round(i, r)
	}
	binary.BigEndian.PutUint32(dst, r)
	binary.BigEndian.PutUint32(dst[4:], l)
}

// Decrypt is the inverse of Encrypt.
func (c *Cipher5) Decrypt(dst, src []byte) {
	l, r := binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])
	for i := c.rounds - 1; i >= 0; i-- {
		l, r = r, l^c.round(i, r)
	}
	binary.BigEndian.PutUint32(dst, r)
	binary.BigEndian.PutUint32(dst[4:], l)
}

// round is the round function number i, which counts from 0.
func (c *Cipher5) round(i int, r uint32) uint32 {
	switch i % 3 {
	case 0:
		return f1(r, c.masks[i], c.rotations[i])
	case 1:
		return f2(r, c.masks[i], c.rotations[i])
	default:
		return f3(r, c.masks[i], c.rotations[i])
	}
}
