package hashes

import (
	"encoding/binary"
	"hash"
	"math/bits"

	xblake2s "golang.org/x/crypto/blake2s"
)

// blake2s is unkeyed BLAKE2s with a digest of 1 to 32 bytes (RFC 7693).
// x/crypto has only the 32-byte one without a key, which is used for
// blake2s-256 because it has assembly; this one serves the short digests.
type blake2s struct {
	state  [8]uint32
	tail   [64]byte // the last block waits here until more input or the end comes
	fill   int
	length uint64
	size   int
}

// blake2sIV is the initial value, RFC 7693 section 2.6.
var blake2sIV = [8]uint32{
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}

// blake2sSigma is the message schedule, RFC 7693 section 2.7.
var blake2sSigma = [10][16]byte{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}

func newBLAKE2s256() hash.Hash {
	h, err := xblake2s.New256(nil)
	if err != nil {
		panic("hashes: internal error: " + err.Error())
	}
	return h
}

// newBLAKE2s returns the constructor of unkeyed BLAKE2s with a digest of size
// bytes, 1 to 32.
func newBLAKE2s(size int) func() hash.Hash {
	return func() hash.Hash {
		b := &blake2s{size: size}
		b.Reset()
		return b
	}
}

func (b *blake2s) Size() int      { return b.size }
func (b *blake2s) BlockSize() int { return 64 }

func (b *blake2s) Reset() {
	b.state = blake2sIV
	b.state[0] ^= 0x01010000 ^ uint32(b.size) // depth 1, fanout 1, no key
	b.fill, b.length = 0, 0
}

func (b *blake2s) Write(p []byte) (int, error) {
	n := len(p)
	if room := len(b.tail) - b.fill; n > room { // so this block is not the last
		copy(b.tail[b.fill:], p[:room])
		b.length += uint64(room)
		b.compress(b.tail[:], 0)
		b.fill = 0
		p = p[room:]
		for ; len(p) > 64; p = p[64:] {
			b.length += 64
			b.compress(p, 0)
		}
	}
	c := copy(b.tail[b.fill:], p)
	b.fill += c
	b.length += uint64(c)
	return n, nil
}

func (b *blake2s) Sum(out []byte) []byte {
	last := *b
	clear(last.tail[last.fill:])
	last.compress(last.tail[:], ^uint32(0))
	var digest [32]byte
	for i, v := range last.state {
		binary.LittleEndian.PutUint32(digest[4*i:], v)
	}
	return append(out, digest[:b.size]...)
}

// compress is the function F of RFC 7693 section 3.2 on the block at the
// start of p; length counts that block already, final is all ones for the
// last block.
func (b *blake2s) compress(p []byte, final uint32) {
	var m [16]uint32
	for i := range m {
		m[i] = binary.LittleEndian.Uint32(p[4*i:])
	}
	h := &b.state
	v0, v1, v2, v3, v4, v5, v6, v7 := h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
	v8, v9, v10, v11 := blake2sIV[0], blake2sIV[1], blake2sIV[2], blake2sIV[3]
	v12, v13 := blake2sIV[4]^uint32(b.length), blake2sIV[5]^uint32(b.length>>32)
	v14, v15 := blake2sIV[6]^final, blake2sIV[7]
	for i := range blake2sSigma {
		s := &blake2sSigma[i]
		v0, v4, v8, v12 = blake2sMix(v0, v4, v8, v12, m[s[0]&15], m[s[1]&15])
		v1, v5, v9, v13 = blake2sMix(v1, v5, v9, v13, m[s[2]&15], m[s[3]&15])
		v2, v6, v10, v14 = blake2sMix(v2, v6, v10, v14, m[s[4]&15], m[s[5]&15])
		v3, v7, v11, v15 = blake2sMix(v3, v7, v11, v15, m[s[6]&15], m[s[7]&15])
		v0, v5, v10, v15 = blake2sMix(v0, v5, v10, v15, m[s[8]&15], m[s[9]&15])
		v1, v6, v11, v12 = blake2sMix(v1, v6, v11, v12, m[s[10]&15], m[s[11]&15])
		v2, v7, v8, v13 = blake2sMix(v2, v7, v8, v13, m[s[12]&15], m[s[13]&15])
		v3, v4, v9, v14 = blake2sMix(v3, v4, v9, v14, m[s[14]&15], m[s[15]&15])
	}
	h[0] ^= v0 ^ v8
	h[1] ^= v1 ^ v9
	h[2] ^= v2 ^ v10
	h[3] ^= v3 ^ v11
	h[4] ^= v4 ^ v12
	h[5] ^= v5 ^ v13
	h[6] ^= v6 ^ v14
	h[7] ^= v7 ^ v15
}

// blake2sMix is the function G of RFC 7693 section 3.1.
func blake2sMix(a, b, c, d, x, y uint32) (uint32, uint32, uint32, uint32) {
	a += b + x
	d = bits.RotateLeft32(d^a, -16)
	c += d
	b = bits.RotateLeft32(b^c, -12)
	a += b + y
	d = bits.RotateLeft32(d^a, -8)
	c += d
	b = bits.RotateLeft32(b^c, -7)
	return a, b, c, d
}
