package hashes

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// xxhash64 is XXH64 with seed 0 (the xxHash specification, section "XXH64
// algorithm description"), its digest stored little-endian as the kernel does;
// the canonical form of the specification is big-endian.
type xxhash64 struct {
	acc    [4]uint64
	tail   [xxStripe]byte // input not yet consumed
	fill   int            // bytes used in tail
	length uint64         // bytes written
}

const (
	xxStripe = 32

	xxPrime1 uint64 = 0x9E3779B185EBCA87
	xxPrime2 uint64 = 0xC2B2AE3D27D4EB4F
	xxPrime3 uint64 = 0x165667B19E3779F9
	xxPrime4 uint64 = 0x85EBCA77C2B2AE63
	xxPrime5 uint64 = 0x27D4EB2F165667C5
)

func newXXHash64() hash.Hash {
	x := new(xxhash64)
	x.Reset()
	return x
}

func (x *xxhash64) Size() int      { return 8 }
func (x *xxhash64) BlockSize() int { return xxStripe }

func (x *xxhash64) Reset() {
	p1 := xxPrime1 // a variable, so that the sums may wrap
	x.acc = [4]uint64{p1 + xxPrime2, xxPrime2, 0, -p1}
	x.fill, x.length = 0, 0
}

func (x *xxhash64) Write(p []byte) (int, error) {
	n := len(p)
	x.length += uint64(n)
	if x.fill > 0 {
		c := copy(x.tail[x.fill:], p)
		x.fill += c
		p = p[c:]
		if x.fill < xxStripe {
			return n, nil
		}
		x.stripes(x.tail[:])
		x.fill = 0
	}
	whole := len(p) &^ (xxStripe - 1)
	x.stripes(p[:whole])
	x.fill = copy(x.tail[:], p[whole:])
	return n, nil
}

// stripes consumes whole stripes.
func (x *xxhash64) stripes(p []byte) {
	a, b, c, d := x.acc[0], x.acc[1], x.acc[2], x.acc[3]
	for ; len(p) >= xxStripe; p = p[xxStripe:] {
		a = xxRound(a, binary.LittleEndian.Uint64(p))
		b = xxRound(b, binary.LittleEndian.Uint64(p[8:]))
		c = xxRound(c, binary.LittleEndian.Uint64(p[16:]))
		d = xxRound(d, binary.LittleEndian.Uint64(p[24:]))
	}
	x.acc = [4]uint64{a, b, c, d}
}

func (x *xxhash64) Sum(out []byte) []byte {
	h := xxPrime5
	if x.length >= xxStripe {
		a := &x.acc
		h = bits.RotateLeft64(a[0], 1) + bits.RotateLeft64(a[1], 7) +
			bits.RotateLeft64(a[2], 12) + bits.RotateLeft64(a[3], 18)
		for _, v := range a {
			h = (h^xxRound(0, v))*xxPrime1 + xxPrime4
		}
	}
	h += x.length
	p := x.tail[:x.fill]
	for ; len(p) >= 8; p = p[8:] {
		h ^= xxRound(0, binary.LittleEndian.Uint64(p))
		h = bits.RotateLeft64(h, 27)*xxPrime1 + xxPrime4
	}
	if len(p) >= 4 {
		h ^= uint64(binary.LittleEndian.Uint32(p)) * xxPrime1
		h = bits.RotateLeft64(h, 23)*xxPrime2 + xxPrime3
		p = p[4:]
	}
	for _, c := range p {
		h ^= uint64(c) * xxPrime5
		h = bits.RotateLeft64(h, 11) * xxPrime1
	}
	h = (h ^ h>>33) * xxPrime2
	h = (h ^ h>>29) * xxPrime3
	return binary.LittleEndian.AppendUint64(out, h^h>>32)
}

func xxRound(acc, lane uint64) uint64 {
	return bits.RotateLeft64(acc+lane*xxPrime2, 31) * xxPrime1
}
