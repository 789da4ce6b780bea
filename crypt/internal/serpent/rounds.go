package serpent

import "math/bits"

// The four words of a block take part in nothing but boolean operations, rotations
// and shifts. So a register of 64 bits holds the same word of two blocks, one in the
// even bits and one in the odd: every rotation of 32 bits by n becomes one of 64 bits
// by 2n. Two such pairs are worked on in turns, so that the processor overlaps them.

// state is four blocks: words 0 to 3 of one pair, then of the other.
type state [8]uint64

// transform is the linear transformation.
func transform(a, b, c, d uint64) (w, x, y, z uint64) {
	a = bits.RotateLeft64(a, 2*13)
	c = bits.RotateLeft64(c, 2*3)
	b ^= a ^ c
	d ^= c ^ a<<(2*3)
	b = bits.RotateLeft64(b, 2*1)
	d = bits.RotateLeft64(d, 2*7)
	a ^= b ^ d
	c ^= d ^ b<<(2*7)
	return bits.RotateLeft64(a, 2*5), b, bits.RotateLeft64(c, 2*22), d
}

// restore is the inverse of transform.
func restore(a, b, c, d uint64) (w, x, y, z uint64) {
	c = bits.RotateLeft64(c, -2*22)
	a = bits.RotateLeft64(a, -2*5)
	c ^= d ^ b<<(2*7)
	a ^= b ^ d
	d = bits.RotateLeft64(d, -2*7)
	b = bits.RotateLeft64(b, -2*1)
	d ^= c ^ a<<(2*3)
	b ^= a ^ c
	return bits.RotateLeft64(a, -2*13), b, bits.RotateLeft64(c, -2*3), d
}

// encrypt does the 32 rounds: the round key, an S-box, the transformation, and in
// place of the last transformation another round key.
func (c *Cipher) encrypt(s *state) {
	a, b, e, f := s[0], s[1], s[2], s[3]
	p, q, r, t := s[4], s[5], s[6], s[7]
	for i := 0; ; i += 8 {
		keys := (*[9][4]uint64)(c.keys[i:])
		a, b, e, f = sbox0(a^keys[0][0], b^keys[0][1], e^keys[0][2], f^keys[0][3])
		p, q, r, t = sbox0(p^keys[0][0], q^keys[0][1], r^keys[0][2], t^keys[0][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox1(a^keys[1][0], b^keys[1][1], e^keys[1][2], f^keys[1][3])
		p, q, r, t = sbox1(p^keys[1][0], q^keys[1][1], r^keys[1][2], t^keys[1][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox2(a^keys[2][0], b^keys[2][1], e^keys[2][2], f^keys[2][3])
		p, q, r, t = sbox2(p^keys[2][0], q^keys[2][1], r^keys[2][2], t^keys[2][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox3(a^keys[3][0], b^keys[3][1], e^keys[3][2], f^keys[3][3])
		p, q, r, t = sbox3(p^keys[3][0], q^keys[3][1], r^keys[3][2], t^keys[3][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox4(a^keys[4][0], b^keys[4][1], e^keys[4][2], f^keys[4][3])
		p, q, r, t = sbox4(p^keys[4][0], q^keys[4][1], r^keys[4][2], t^keys[4][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox5(a^keys[5][0], b^keys[5][1], e^keys[5][2], f^keys[5][3])
		p, q, r, t = sbox5(p^keys[5][0], q^keys[5][1], r^keys[5][2], t^keys[5][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox6(a^keys[6][0], b^keys[6][1], e^keys[6][2], f^keys[6][3])
		p, q, r, t = sbox6(p^keys[6][0], q^keys[6][1], r^keys[6][2], t^keys[6][3])
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
		a, b, e, f = sbox7(a^keys[7][0], b^keys[7][1], e^keys[7][2], f^keys[7][3])
		p, q, r, t = sbox7(p^keys[7][0], q^keys[7][1], r^keys[7][2], t^keys[7][3])
		if i == rounds-8 {
			last := &keys[8]
			*s = state{
				a ^ last[0], b ^ last[1], e ^ last[2], f ^ last[3],
				p ^ last[0], q ^ last[1], r ^ last[2], t ^ last[3],
			}
			return
		}
		a, b, e, f = transform(a, b, e, f)
		p, q, r, t = transform(p, q, r, t)
	}
}

// decrypt is the inverse of encrypt.
func (c *Cipher) decrypt(s *state) {
	last := &c.keys[rounds]
	a, b, e, f := s[0]^last[0], s[1]^last[1], s[2]^last[2], s[3]^last[3]
	p, q, r, t := s[4]^last[0], s[5]^last[1], s[6]^last[2], s[7]^last[3]
	for i := rounds - 8; ; i -= 8 {
		keys := (*[8][4]uint64)(c.keys[i:])
		a, b, e, f = inverse7(a, b, e, f)
		p, q, r, t = inverse7(p, q, r, t)
		a, b, e, f = a^keys[7][0], b^keys[7][1], e^keys[7][2], f^keys[7][3]
		p, q, r, t = p^keys[7][0], q^keys[7][1], r^keys[7][2], t^keys[7][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse6(a, b, e, f)
		p, q, r, t = inverse6(p, q, r, t)
		a, b, e, f = a^keys[6][0], b^keys[6][1], e^keys[6][2], f^keys[6][3]
		p, q, r, t = p^keys[6][0], q^keys[6][1], r^keys[6][2], t^keys[6][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse5(a, b, e, f)
		p, q, r, t = inverse5(p, q, r, t)
		a, b, e, f = a^keys[5][0], b^keys[5][1], e^keys[5][2], f^keys[5][3]
		p, q, r, t = p^keys[5][0], q^keys[5][1], r^keys[5][2], t^keys[5][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse4(a, b, e, f)
		p, q, r, t = inverse4(p, q, r, t)
		a, b, e, f = a^keys[4][0], b^keys[4][1], e^keys[4][2], f^keys[4][3]
		p, q, r, t = p^keys[4][0], q^keys[4][1], r^keys[4][2], t^keys[4][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse3(a, b, e, f)
		p, q, r, t = inverse3(p, q, r, t)
		a, b, e, f = a^keys[3][0], b^keys[3][1], e^keys[3][2], f^keys[3][3]
		p, q, r, t = p^keys[3][0], q^keys[3][1], r^keys[3][2], t^keys[3][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse2(a, b, e, f)
		p, q, r, t = inverse2(p, q, r, t)
		a, b, e, f = a^keys[2][0], b^keys[2][1], e^keys[2][2], f^keys[2][3]
		p, q, r, t = p^keys[2][0], q^keys[2][1], r^keys[2][2], t^keys[2][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse1(a, b, e, f)
		p, q, r, t = inverse1(p, q, r, t)
		a, b, e, f = a^keys[1][0], b^keys[1][1], e^keys[1][2], f^keys[1][3]
		p, q, r, t = p^keys[1][0], q^keys[1][1], r^keys[1][2], t^keys[1][3]
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
		a, b, e, f = inverse0(a, b, e, f)
		p, q, r, t = inverse0(p, q, r, t)
		a, b, e, f = a^keys[0][0], b^keys[0][1], e^keys[0][2], f^keys[0][3]
		p, q, r, t = p^keys[0][0], q^keys[0][1], r^keys[0][2], t^keys[0][3]
		if i == 0 {
			*s = state{a, b, e, f, p, q, r, t}
			return
		}
		a, b, e, f = restore(a, b, e, f)
		p, q, r, t = restore(p, q, r, t)
	}
}
