package twofish

import (
	"math/bits"
	"sync"
)

// nibbles are the permutations of 4 bits that the permutations q0 and q1 of 8 bits
// are made of (section 4.3.5 of the paper).
var nibbles = [2][4][16]uint8{
	{
		{8, 1, 7, 13, 6, 15, 3, 2, 0, 11, 5, 9, 14, 12, 10, 4},
		{14, 12, 11, 8, 1, 2, 3, 5, 15, 4, 10, 6, 7, 0, 9, 13},
		{11, 10, 5, 14, 6, 13, 9, 0, 12, 8, 15, 3, 2, 4, 7, 1},
		{13, 7, 15, 4, 1, 2, 6, 14, 9, 11, 3, 0, 8, 5, 12, 10},
	},
	{
		{2, 8, 11, 13, 15, 7, 6, 14, 3, 1, 9, 4, 0, 10, 12, 5},
		{1, 14, 2, 11, 4, 12, 3, 7, 6, 13, 10, 5, 15, 9, 0, 8},
		{4, 12, 7, 5, 1, 6, 9, 10, 0, 14, 13, 8, 2, 11, 3, 15},
		{11, 9, 5, 1, 12, 3, 13, 14, 6, 4, 7, 15, 2, 0, 8, 10},
	},
}

// fixed holds what no key changes.
type fixed struct {
	q   [2][256]uint8
	mds [4][256]uint32 // the column of the matrix MDS for a byte, times the byte
}

var sharedTables = sync.OnceValue(func() *fixed {
	f := new(fixed)
	for i := range f.q {
		for x := range 256 {
			f.q[i][x] = permuted(&nibbles[i], uint8(x))
		}
	}
	columns := [4][4]uint8{ // of the matrix, from the first row down
		{0x01, 0x5b, 0xef, 0xef},
		{0xef, 0xef, 0x5b, 0x01},
		{0x5b, 0xef, 0x01, 0xef},
		{0x5b, 0x01, 0xef, 0x5b},
	}
	for i, column := range columns {
		for x := range 256 {
			for row, factor := range column {
				f.mds[i][x] |= uint32(times(factor, uint8(x), mdsPolynomial)) << (8 * row)
			}
		}
	}
	return f
})

// permuted returns q of x, q being made of those tables.
func permuted(t *[4][16]uint8, x uint8) uint8 {
	a, b := x>>4, x&15
	for i := 0; i < 4; i += 2 {
		a, b = a^b, a^(b>>1|b<<3&15)^a<<3&15
		a, b = t[i][a], t[i+1][b]
	}
	return b<<4 | a
}

// Polynomials of the two fields with 256 elements, without x^8.
const (
	mdsPolynomial = 0x69
	rsPolynomial  = 0x4d
)

// times multiplies in the field of that polynomial, for all values alike.
func times(a, b, polynomial uint8) uint8 {
	var product uint8
	for range 8 {
		product ^= a & -(b & 1)
		a, b = a<<1^polynomial&-(a>>7), b>>1
	}
	return product
}

// reedSolomon is the matrix RS, row by row.
var reedSolomon = [4][8]uint8{
	{0x01, 0xa4, 0x55, 0x87, 0x5a, 0x58, 0xdb, 0x9e},
	{0xa4, 0x56, 0x82, 0xf3, 0x1e, 0xc6, 0x68, 0xe5},
	{0x02, 0xa1, 0xfc, 0xc1, 0x47, 0xae, 0x3d, 0x19},
	{0xa4, 0x55, 0x87, 0x5a, 0x58, 0xdb, 0x9e, 0x03},
}

// expand makes round keys and tables (section 4.3 of the paper).
func (c *Cipher) expand(key []byte) {
	f := sharedTables()
	var even, odd, boxes [4][4]uint8 // words of the key, and S, the last in front
	n := len(key) / 8
	for i := range n {
		copy(even[i][:], key[8*i:])
		copy(odd[i][:], key[8*i+4:])
		for row := range reedSolomon {
			for j, factor := range reedSolomon[row] {
				boxes[n-1-i][row] ^= times(factor, key[8*i+j], rsPolynomial)
			}
		}
	}
	var keys [40]uint32
	for i := 0; i < len(keys); i += 2 {
		a := f.h(uint8(i), even[:n])
		b := bits.RotateLeft32(f.h(uint8(i+1), odd[:n]), 8)
		keys[i], keys[i+1] = a+b, bits.RotateLeft32(a+2*b, 9)
	}
	copy(c.before[:], keys[:4])
	copy(c.after[:], keys[4:8])
	copy(c.rounds[:], keys[8:])
	for i := range c.boxes {
		for x := range 256 {
			c.boxes[i][x] = f.mds[i][f.chain(i, uint8(x), boxes[:n])]
		}
	}
	clear(keys[:])
	even, odd, boxes = [4][4]uint8{}, [4][4]uint8{}, [4][4]uint8{}
}

// h is the function h of a word of four equal bytes.
func (f *fixed) h(x uint8, l [][4]uint8) uint32 {
	var z uint32
	for i := range f.mds {
		z ^= f.mds[i][f.chain(i, x, l)]
	}
	return z
}

// which says for each byte of a word which q it goes through, the last in front.
var which = [4][5]uint8{
	{1, 0, 0, 1, 1},
	{0, 0, 1, 1, 0},
	{1, 1, 0, 0, 0},
	{0, 1, 1, 0, 1},
}

// chain sends byte i of a word through q, the bytes of l between.
func (f *fixed) chain(i int, x uint8, l [][4]uint8) uint8 {
	for j := len(l); j > 0; j-- {
		x = f.q[which[i][j]][x] ^ l[j-1][i]
	}
	return f.q[which[i][0]][x]
}
