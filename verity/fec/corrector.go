package fec

import "bytes"

// corrector finds errors in single codewords: Berlekamp-Massey for the error
// locator, started from the known erasures, a search for its roots, and
// Forney's formula for the values (Blahut, "Algebraic Codes for Data
// Transmission", sections 7.2 to 7.5). It is working memory for one goroutine.
//
// It does not see codewords but only their difference: the parity that the
// message bytes have, added to the parity that is stored. This is the
// remainder of the error modulo the generator polynomial, so it has the same
// syndromes as the received word, and is zero if and only if the word is a
// codeword.
//
// Polynomials are evaluated everywhere at once, as sums of rows of powers: that
// is what the vector instructions of the bulk multiplication are good for.
type corrector struct {
	roots int
	field *field

	syndromes [MaxRoots]byte
	locator   [MaxRoots + 2]byte // coefficients, lowest power first
	previous  [MaxRoots + 2]byte
	scratch   [MaxRoots + 2]byte
	degree    int         // of locator
	at        [3]powerRow // values of the locator, omega and the derivative

	// The result: error values by position, 0 to 254, the parity last.
	positions [MaxRoots]int
	values    [MaxRoots]byte
}

func newCorrector(roots int) *corrector { return &corrector{roots: roots, field: galois()} }

// solve finds the errors of a codeword whose parity differs by diff, given the
// positions (0 to 254, distinct, at most roots of them) that are known to be
// unreliable. It returns the number of entries filled in positions and
// values; values can be zero at erasures. ok is false if there are more errors
// than the code can locate: twice the errors plus the erasures beyond roots.
func (c *corrector) solve(diff []byte, erasures []int) (n int, ok bool) {
	if allZero(diff) {
		return 0, true
	}
	c.transform(diff)
	if length := c.locate(erasures); length != c.degree || 2*length-len(erasures) > c.roots {
		return 0, false
	}
	n = c.search()
	if n != c.degree {
		return 0, false
	}
	return n, c.evaluate(n)
}

// transform computes the syndromes.
func (c *corrector) transform(diff []byte) {
	var rows [MaxRoots]byte // of diff as a polynomial, lowest power first
	for i, d := range diff {
		rows[c.roots-1-i] = d
	}
	var sums [syndromesRow]byte
	sumPowers(sums[:], rows[:c.roots])
	copy(c.syndromes[:], sums[:])
}

// locate computes the locator polynomial, whose roots are the inverses of
// alpha^(254-position) for all errors and erasures. It returns the length of
// the recurrence that the polynomial stands for, which is its degree if the
// syndromes can come from that many errors.
func (c *corrector) locate(erasures []int) (length int) {
	f := c.field
	clear(c.locator[:])
	c.locator[0] = 1
	for k, position := range erasures { // multiply by 1 + X·x
		x := f.power(codewordLen - 1 - position)
		for i := k + 1; i > 0; i-- {
			c.locator[i] ^= f.mul(c.locator[i-1], x)
		}
	}
	length = len(erasures)
	c.previous = c.locator
	for r := len(erasures); r < c.roots; r++ {
		var discrepancy byte
		for i, v := range c.locator[:min(r, length)+1] { // of degree length at most
			discrepancy ^= f.mul(v, c.syndromes[r-i])
		}
		copy(c.previous[1:], c.previous[:r+1]) // times x; of degree r+1 at most
		c.previous[0] = 0
		if discrepancy == 0 {
			continue
		}
		c.scratch = c.locator
		f.addProduct(c.locator[:r+2], c.previous[:r+2], discrepancy)
		if 2*length <= r+len(erasures) {
			length = r + 1 + len(erasures) - length
			clear(c.previous[:r+2])
			f.addProduct(c.previous[:r+2], c.scratch[:r+2], f.div(1, discrepancy))
		}
	}
	c.degree = 0
	for i, v := range c.locator {
		if v != 0 {
			c.degree = i
		}
	}
	return length
}

// search finds the positions where the locator has its roots, and returns how
// many there are.
func (c *corrector) search() (n int) {
	values := &c.at[0]
	sumPowers(values[:], c.locator[:c.degree+1])
	// the inverse of alpha^(254-position) is alpha^(position+1)
	for position, rest := 0, values[1:]; ; position++ {
		i := bytes.IndexByte(rest, 0)
		if i < 0 {
			return n
		}
		position, rest = position+i, rest[i+1:]
		if n == c.degree {
			return n + 1
		}
		c.positions[n] = position
		n++
	}
}

// evaluate computes the n error values; ok is false if the locator has a
// double root.
func (c *corrector) evaluate(n int) (ok bool) {
	f := c.field
	omega := c.scratch[:c.roots] // syndromes × locator, modulo x^roots
	for i := range omega {
		omega[i] = 0
		for j := 0; j <= min(i, c.degree); j++ {
			omega[i] ^= f.mul(c.locator[j], c.syndromes[i-j])
		}
	}
	derivative := c.previous[:c.degree]
	for i := range derivative {
		derivative[i] = 0
		if i%2 == 0 { // i+1 copies of the coefficient: odd ones stay
			derivative[i] = c.locator[i+1]
		}
	}
	values, slopes := &c.at[1], &c.at[2]
	sumPowers(values[:], omega)
	sumPowers(slopes[:], derivative)
	for k, position := range c.positions[:n] {
		slope := slopes[position+1]
		if slope == 0 {
			return false
		}
		c.values[k] = f.div(f.mul(values[position+1], f.power(codewordLen-1-position)), slope)
	}
	return true
}

func allZero(p []byte) bool {
	for _, v := range p {
		if v != 0 {
			return false
		}
	}
	return true
}
