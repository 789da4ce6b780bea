package hashes

import (
	"encoding/binary"
	"hash"
	"math/bits"
	"sync"
)

// streebog is GOST R 34.11-2012 (RFC 6986), its digest in the byte order of
// the kernel and of libgcrypt, lowest byte first; the RFC prints its vectors
// the other way round. Its 512-bit numbers are kept as eight words, the lowest
// first.
//
// It works by table look-ups that depend on the data.
type streebog struct {
	state  [8]uint64
	count  uint64    // bits in the blocks processed; modulo 2⁶⁴, far above any input
	sum    [8]uint64 // of all blocks, modulo 2⁵¹²
	buf    buffer64
	tables *[8][256]uint64
	size   int
}

// makeStreebogTables computes the tables once, when the first Streebog hash is
// made; they are read-only afterwards. Entry [i][x] is what byte x in place i
// of a word contributes after substitution and the linear transformation.
var makeStreebogTables = sync.OnceValue(func() *[8][256]uint64 {
	t := new([8][256]uint64)
	for i := range t {
		for x, s := range streebogPi {
			for bit := range 8 {
				if s>>bit&1 != 0 {
					t[i][x] ^= streebogA[63-8*i-bit]
				}
			}
		}
	}
	return t
})

// newStreebog returns the constructor for a digest of 32 or 64 bytes.
func newStreebog(size int) func() hash.Hash {
	return func() hash.Hash {
		s := &streebog{tables: makeStreebogTables(), size: size}
		s.Reset()
		return s
	}
}

func (s *streebog) Size() int      { return s.size }
func (s *streebog) BlockSize() int { return 64 }

func (s *streebog) Reset() {
	s.state, s.count, s.sum = [8]uint64{}, 0, [8]uint64{}
	if s.size == 32 {
		for i := range s.state {
			s.state[i] = 0x0101010101010101
		}
	}
	s.buf.reset()
}

func (s *streebog) Write(p []byte) (int, error) {
	n := len(p)
	for run := p; len(p) > 0; {
		run, p = s.buf.take(p)
		for ; len(run) >= 64; run = run[64:] {
			s.block(run, 512)
		}
	}
	return n, nil
}

func (s *streebog) Sum(b []byte) []byte {
	last := *s
	tail := last.buf.tail[:64]
	clear(tail[last.buf.fill:])
	tail[last.buf.fill] = 1
	last.block(tail, 8*uint64(last.buf.fill))
	count := [8]uint64{last.count}
	last.compress(0, &count)
	last.compress(0, &last.sum)
	var digest [64]byte
	for i, v := range last.state {
		binary.LittleEndian.PutUint64(digest[8*i:], v)
	}
	return append(b, digest[64-s.size:]...)
}

// block processes the 64 bytes at the start of p, of which length bits are
// message.
func (s *streebog) block(p []byte, length uint64) {
	var m [8]uint64
	var carry uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(p[8*i:])
		s.sum[i], carry = bits.Add64(s.sum[i], m[i], carry)
	}
	s.compress(s.count, &m)
	s.count += length
}

// compress is the function g of RFC 6986 section 8 with N = count.
func (s *streebog) compress(count uint64, m *[8]uint64) {
	key, text := s.state, *m
	key[0] ^= count
	s.mix(&key)
	for r := range streebogC {
		for i := range text {
			text[i] ^= key[i]
		}
		s.mix(&text)
		for i := range key {
			key[i] ^= streebogC[r][7-i]
		}
		s.mix(&key)
	}
	for i := range text {
		s.state[i] ^= text[i] ^ key[i] ^ m[i]
	}
}

// mix is substitution, transposition of the bytes and the linear
// transformation (LPS in the RFC), in one look-up per byte.
func (s *streebog) mix(v *[8]uint64) {
	var a, b, c, d, e, f, g, h uint64
	for i, x := range v {
		t := &s.tables[i]
		a ^= t[byte(x)]
		b ^= t[byte(x>>8)]
		c ^= t[byte(x>>16)]
		d ^= t[byte(x>>24)]
		e ^= t[byte(x>>32)]
		f ^= t[byte(x>>40)]
		g ^= t[byte(x>>48)]
		h ^= t[x>>56]
	}
	*v = [8]uint64{a, b, c, d, e, f, g, h}
}
