package fec

import "sync"

// field is GF(2⁸) modulo x⁸+x⁴+x³+x²+1 (0x11d) with generator alpha = 2, the
// field of dm-verity's code. The tables are for building matrices and for
// decoding single codewords; bulk work is done by reedsolomon, which has the
// same field.
type field struct {
	exp [2 * 255]byte // alpha^i; twice, so that sums of two logarithms need no reduction
	log [256]int      // of 1 to 255
}

const fieldPolynomial = 0x11d

// galois returns the tables, computed on first use and read-only since.
var galois = sync.OnceValue(func() *field {
	f := new(field)
	x := 1
	for i := range 255 {
		f.exp[i], f.exp[i+255] = byte(x), byte(x)
		f.log[x] = i
		if x <<= 1; x > 255 {
			x ^= fieldPolynomial
		}
	}
	return f
})

func (f *field) mul(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return f.exp[f.log[a]+f.log[b]]
}

// div divides by b, which is not 0.
func (f *field) div(a, b byte) byte {
	if a == 0 {
		return 0
	}
	return f.exp[f.log[a]+255-f.log[b]]
}

// addProduct adds a multiple of a polynomial to another one; factor is not 0.
func (f *field) addProduct(sum, polynomial []byte, factor byte) {
	times := f.exp[f.log[factor]:]
	for i, v := range polynomial {
		if v != 0 {
			sum[i] ^= times[f.log[v]]
		}
	}
}

// power is alpha^n for any n from 0.
func (f *field) power(n int) byte { return f.exp[n%255] }

// generator returns the generator polynomial, the product of (x - alpha^r) for
// r = 0 to roots-1, without its leading 1, highest power first.
func (f *field) generator(roots int) []byte {
	g := make([]byte, 1, roots+1)
	g[0] = 1
	for r := range roots {
		g = append(g, 0)
		for i := len(g) - 1; i > 0; i-- {
			g[i] ^= f.mul(g[i-1], f.exp[r])
		}
	}
	return g[1:]
}

// parityMatrix returns the matrix that makes parity byte j of a codeword from
// its message bytes: row j, column i is the coefficient of parity byte j
// (highest power first) in x^(254-i) modulo the generator polynomial.
func (f *field) parityMatrix(roots int) [][]byte {
	shards := codewordLen - roots
	m := make([][]byte, roots)
	for j := range m {
		m[j] = make([]byte, shards)
	}
	g := f.generator(roots)
	remainder := append([]byte(nil), g...) // of x^roots
	for i := shards - 1; i >= 0; i-- {
		for j, c := range remainder {
			m[j][i] = c
		}
		top := remainder[0]
		copy(remainder, remainder[1:])
		remainder[roots-1] = 0
		for j := range remainder {
			remainder[j] ^= f.mul(top, g[j])
		}
	}
	return m
}
