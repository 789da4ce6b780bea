package aegis

import "math/bits"

// lanes is how many AES states aesRounds works on at once.
const lanes = 4

// aesRounds applies one AES round without its key (SubBytes, ShiftRows and
// MixColumns of FIPS 197, 5.1) to four states, in place: s[2*i] and s[2*i+1] are
// the bytes 0 to 7 and 8 to 15 of state i, little-endian.
//
// It computes on bit planes, with neither table look-ups nor branches on data,
// so that its time does not depend on the states.
func aesRounds(s *[2 * lanes]uint64) {
	transposeBits(s)
	subBytesPlanes(s)
	for i, plane := range s {
		s[i] = shiftRowsPlane(plane)
	}
	mixColumnsPlanes(s)
	transposeBits(s)
}

// transposeBits exchanges, in every group of eight bytes that have the same
// place in their words, the number of the word and the number of the bit.
// Afterwards word b holds bit b of all 64 bytes: that of byte j of word k is bit
// 8*j+k. Done twice it changes nothing.
func transposeBits(s *[2 * lanes]uint64) {
	for i := 0; i < 8; i += 2 {
		s[i], s[i+1] = exchange(s[i], s[i+1], 1, 0x5555555555555555)
	}
	for i := range 8 {
		if i&2 == 0 {
			s[i], s[i+2] = exchange(s[i], s[i+2], 2, 0x3333333333333333)
		}
	}
	for i := range 4 {
		s[i], s[i+4] = exchange(s[i], s[i+4], 4, 0x0f0f0f0f0f0f0f0f)
	}
}

// exchange swaps the bits of a that mask leaves out with those of b that it
// selects, which are shift places lower.
func exchange(a, b uint64, shift uint, mask uint64) (x, y uint64) {
	t := (a>>shift ^ b) & mask
	return a ^ t<<shift, b ^ t
}

// Bits of a plane by the place of their byte in its word, which is column mod 2,
// then row. The column's other bit is the lowest of the place of the word.
const (
	lanes04 = 0x000000ff000000ff // row 0
	lanes26 = 0x00ff000000ff0000 // row 2
	lanes17 = 0xff0000000000ff00
	lanes53 = 0x0000ff00ff000000
)

// shiftRowsPlane moves row r of each state r columns to the left. Two columns are
// a swap of the words, one is a swap of the halves, on the way out of a word of
// the words too.
func shiftRowsPlane(x uint64) uint64 {
	swapped := x&0x5555555555555555<<1 | x>>1&0x5555555555555555
	return x&lanes04 | swapped&lanes26 |
		bits.RotateLeft64(x, 32)&lanes17 | bits.RotateLeft64(swapped, 32)&lanes53
}

// mixColumnsPlanes multiplies each column by the matrix of MixColumns: with b_r =
// a_r + a_(r+1), byte r becomes 2*b_r + a_(r+1) + b_(r+2).
func mixColumnsPlanes(s *[8]uint64) {
	var b, rest [8]uint64
	for i, a := range s {
		next := a>>8&0x00ffffff00ffffff | a&0x000000ff000000ff<<24
		b[i] = a ^ next
		rest[i] = next ^ b[i]>>16&0x0000ffff0000ffff ^ b[i]&0x0000ffff0000ffff<<16
	}
	// Doubling in GF(2^8) moves the planes up and adds x^4 + x^3 + x + 1 where
	// the top one has a bit.
	top := b[7]
	s[0] = rest[0] ^ top
	s[1] = rest[1] ^ b[0] ^ top
	s[2] = rest[2] ^ b[1]
	s[3] = rest[3] ^ b[2] ^ top
	s[4] = rest[4] ^ b[3] ^ top
	s[5] = rest[5] ^ b[4]
	s[6] = rest[6] ^ b[5]
	s[7] = rest[7] ^ b[6]
}

// subBytesPlanes applies the S-box to all bytes: the circuit of 113 gates that
// Boyar and Peralta published ("A depth-16 circuit for the AES S-box", 2011),
// with their names. Bit 7 of a byte is their x0 and s0.
func subBytesPlanes(s *[8]uint64) {
	x0, x1, x2, x3, x4, x5, x6, x7 := s[7], s[6], s[5], s[4], s[3], s[2], s[1], s[0]

	// The top linear part.
	y14, y13, y9, y8 := x3^x5, x0^x6, x0^x3, x0^x5
	t0 := x1 ^ x2
	y1 := t0 ^ x7
	y4, y12, y2, y5 := y1^x3, y13^y14, y1^x0, y1^x6
	y3 := y5 ^ y8
	t1 := x4 ^ y12
	y15, y20 := t1^x5, t1^x1
	y6, y10, y11 := y15^x7, y15^t0, y20^y9
	y7, y17, y19, y16 := x7^y11, y10^y11, y10^y8, t0^y11
	y21, y18 := y13^y16, x0^y16

	// The inversion in GF(2^8).
	t2 := y12 & y15
	t4 := y3&y6 ^ t2
	t6 := y4&x7 ^ t2
	t7 := y13 & y16
	t9 := y5&y1 ^ t7
	t11 := y2&y7 ^ t7
	t12 := y9 & y11
	t14 := y14&y17 ^ t12
	t16 := y8&y10 ^ t12
	t21, t22 := t4^t14^y20, t6^t16^y19
	t23, t24 := t9^t14^y21, t11^t16^y18
	t25, t26 := t21^t22, t21&t23
	t27 := t24 ^ t26
	t29 := t25&t27 ^ t22
	t30, t31 := t23^t24, t22^t26
	t33 := t31&t30 ^ t24
	t34, t35 := t23^t33, t27^t33
	t36 := t24 & t35
	t37, t38 := t36^t34, t27^t36
	t40 := t25 ^ t29&t38
	t41, t42, t43, t44 := t40^t37, t29^t33, t29^t40, t33^t37
	t45 := t42 ^ t41
	z0, z1, z2 := t44&y15, t37&y6, t33&x7
	z3, z4, z5 := t43&y16, t40&y1, t29&y7
	z6, z7, z8 := t42&y11, t45&y17, t41&y10
	z9, z10, z11 := t44&y12, t37&y3, t33&y4
	z12, z13, z14 := t43&y13, t40&y5, t29&y2
	z15, z16, z17 := t42&y9, t45&y14, t41&y8

	// The bottom linear part.
	t46, t47, t48, t49 := z15^z16, z10^z11, z5^z13, z9^z10
	t50, t51, t52, t53 := z2^z12, z2^z5, z7^z8, z0^z3
	t54, t55 := z6^z7, z16^z17
	t56, t57, t58, t59 := z12^t48, t50^t53, z4^t46, z3^t54
	t60, t61, t62, t63 := t46^t57, z14^t57, t52^t58, t49^t58
	t64, t65, t66 := z4^t59, t61^t62, z1^t63
	t67 := t64 ^ t65
	s3 := t53 ^ t66
	s[7] = t59 ^ t63
	s[6] = t64 ^ ^s3
	s[5] = t55 ^ ^t67
	s[4] = s3
	s[3] = t51 ^ t66
	s[2] = t47 ^ t65
	s[1] = t56 ^ ^t62
	s[0] = t48 ^ ^t60
}
