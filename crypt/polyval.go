package crypt

import (
	"encoding/binary"
	"math/bits"
)

// polyvalElement is an element of the field of POLYVAL (RFC 8452, 3), GF(2^128) with
// the polynomial x^128 + x^127 + x^126 + x^121 + 1: the coefficients of x^0 to x^63
// in lo, the lowest bit that of x^0.
type polyvalElement struct{ lo, hi uint64 }

func loadPolyval(p []byte) polyvalElement {
	return polyvalElement{binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])}
}

func (e polyvalElement) plus(f polyvalElement) polyvalElement {
	return polyvalElement{e.lo ^ f.lo, e.hi ^ f.hi}
}

func (e polyvalElement) store(p []byte) {
	binary.LittleEndian.PutUint64(p, e.lo)
	binary.LittleEndian.PutUint64(p[8:], e.hi)
}

// polyvalKey is the key of POLYVAL.
type polyvalKey struct {
	element polyvalElement
	sum     uint64 // of the halves
}

func newPolyvalKey(p []byte) polyvalKey {
	e := loadPolyval(p)
	return polyvalKey{e, e.lo ^ e.hi}
}

// update returns the hash state after the blocks of 16 bytes in p.
func (k *polyvalKey) update(state polyvalElement, p []byte) polyvalElement {
	for ; len(p) >= 16; p = p[16:] {
		state = k.dot(state.plus(loadPolyval(p)))
	}
	return state
}

// dot returns e times the key divided by x^128, which POLYVAL multiplies with.
func (k *polyvalKey) dot(e polyvalElement) polyvalElement {
	// Karatsuba's product of four words,
	w1, w0 := multiplyBits(e.lo, k.element.lo)
	w3, w2 := multiplyBits(e.hi, k.element.hi)
	m1, m0 := multiplyBits(e.lo^e.hi, k.sum)
	m0, m1 = m0^w0^w2, m1^w1^w3
	w1, w2 = w1^m0, w2^m1
	// and multiples of the polynomial that make the lower two zero.
	w1 ^= w0<<63 ^ w0<<62 ^ w0<<57
	w2 ^= w0 ^ w0>>1 ^ w0>>2 ^ w0>>7
	w2 ^= w1<<63 ^ w1<<62 ^ w1<<57
	w3 ^= w1 ^ w1>>1 ^ w1>>2 ^ w1>>7
	return polyvalElement{w2, w3}
}

// every4 has every fourth bit set.
const every4 = 0x1111111111111111

// multiplyBits returns the product of two polynomials over GF(2). Its time does not
// depend on them. The bits of each are taken apart into four numbers in which only
// every fourth may be set; where ordinary multiplication adds up at most 15 ones, a
// sum stays in its own four bits, and its lowest is their XOR. That is why the last
// four bits of y are multiplied one by one.
func multiplyBits(x, y uint64) (hi, lo uint64) {
	for i := uint(60); i < 64; i++ {
		mask := -(y >> i & 1)
		lo ^= x << i & mask
		hi ^= x >> (64 - i) & mask
	}
	y &= 1<<60 - 1
	x0, x1, x2, x3 := x&every4, x&(every4<<1), x&(every4<<2), x&(every4<<3)
	y0, y1, y2, y3 := y&every4, y&(every4<<1), y&(every4<<2), y&(every4<<3)
	h, l := sumOf4(x0, y0, x1, y3, x2, y2, x3, y1)
	hi, lo = hi^h&every4, lo^l&every4
	h, l = sumOf4(x0, y1, x1, y0, x2, y3, x3, y2)
	hi, lo = hi^h&(every4<<1), lo^l&(every4<<1)
	h, l = sumOf4(x0, y2, x1, y1, x2, y0, x3, y3)
	hi, lo = hi^h&(every4<<2), lo^l&(every4<<2)
	h, l = sumOf4(x0, y3, x1, y2, x2, y1, x3, y0)
	return hi ^ h&(every4<<3), lo ^ l&(every4<<3)
}

// sumOf4 returns the XOR of four ordinary products.
func sumOf4(a, b, c, d, e, f, g, h uint64) (hi, lo uint64) {
	h0, l0 := bits.Mul64(a, b)
	h1, l1 := bits.Mul64(c, d)
	h2, l2 := bits.Mul64(e, f)
	h3, l3 := bits.Mul64(g, h)
	return h0 ^ h1 ^ h2 ^ h3, l0 ^ l1 ^ l2 ^ l3
}
