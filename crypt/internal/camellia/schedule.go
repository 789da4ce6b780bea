package camellia

import (
	"encoding/binary"
	"math/bits"
)

// schedule is a key expanded (RFC 3713, 2.2), in the order of use.
type schedule struct {
	before, after [2]uint64    // kw1 to kw4
	layers        [3][2]uint64 // ke1 to ke6, between the groups
	rounds        [4][6]uint64 // k1 to k24
	groups        int          // of six rounds: 3 for keys of 16 bytes, else 4
}

// sigma are the constants of the key schedule.
var sigma = [6]uint64{
	0xa09e667f3bcc908b, 0xb67ae8584caa73b2, 0xc6ef372fe94f82be,
	0x54ff53a5f1d36f1c, 0x10e527fade682d1d, 0xb05688c2b3e6c1fd,
}

// pair is a number of 128 bits.
type pair struct{ hi, lo uint64 }

func (p pair) xor(q pair) pair { return pair{p.hi ^ q.hi, p.lo ^ q.lo} }

// rotated returns p rotated to the left by n, from 0 to 127.
func (p pair) rotated(n uint) [2]uint64 {
	hi, lo := p.hi, p.lo
	if n >= 64 {
		hi, lo, n = lo, hi, n-64
	}
	if n == 0 {
		return [2]uint64{hi, lo}
	}
	return [2]uint64{hi<<n | lo>>(64-n), lo<<n | hi>>(64-n)}
}

// expand makes the schedule of a key of 16, 24 or 32 bytes.
func (t *tables) expand(key []byte) schedule {
	left := pair{binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:])}
	var right pair
	switch len(key) {
	case 24:
		right.hi = binary.BigEndian.Uint64(key[16:])
		right.lo = ^right.hi
	case 32:
		right = pair{binary.BigEndian.Uint64(key[16:]), binary.BigEndian.Uint64(key[24:])}
	}
	a := t.twoRounds(left.xor(right), 0).xor(left)
	a = t.twoRounds(a, 2)
	if len(key) == 16 {
		return short(left, a)
	}
	return long(left, right, a, t.twoRounds(a.xor(right), 4))
}

// twoRounds does two Feistel rounds with the constants from first on.
func (t *tables) twoRounds(p pair, first int) pair {
	u, _ := t.f(p.hi^sigma[first], 0)
	p.lo ^= u
	u, _ = t.f(p.lo^sigma[first+1], 0)
	p.hi ^= u
	return p
}

// short is the schedule of 18 rounds.
func short(l, a pair) schedule {
	s := schedule{groups: 3, before: l.rotated(0), after: a.rotated(111)}
	s.layers[0] = a.rotated(30)
	s.layers[1] = l.rotated(77)
	s.rounds[0] = six(a.rotated(0), l.rotated(15), a.rotated(15))
	s.rounds[1] = six(l.rotated(45), [2]uint64{a.rotated(45)[0], l.rotated(60)[1]}, a.rotated(60))
	s.rounds[2] = six(l.rotated(94), a.rotated(94), l.rotated(111))
	return s
}

// long is the schedule of 24 rounds.
func long(l, r, a, b pair) schedule {
	s := schedule{groups: 4, before: l.rotated(0), after: b.rotated(111)}
	s.layers = [3][2]uint64{r.rotated(30), l.rotated(60), a.rotated(77)}
	s.rounds[0] = six(b.rotated(0), r.rotated(15), a.rotated(15))
	s.rounds[1] = six(b.rotated(30), l.rotated(45), a.rotated(45))
	s.rounds[2] = six(r.rotated(60), b.rotated(60), l.rotated(77))
	s.rounds[3] = six(r.rotated(94), a.rotated(94), l.rotated(111))
	return s
}

func six(p, q, r [2]uint64) [6]uint64 { return [6]uint64{p[0], p[1], q[0], q[1], r[0], r[1]} }

// reversed returns the schedule that decrypts.
func (s *schedule) reversed() schedule {
	d := schedule{groups: s.groups, before: s.after, after: s.before}
	last := s.groups - 1
	for i := range s.groups {
		for j := range 6 {
			d.rounds[i][j] = s.rounds[last-i][5-j]
		}
	}
	for i := range last {
		layer := s.layers[last-1-i]
		d.layers[i] = [2]uint64{layer[1], layer[0]}
	}
	return d
}

// mix is the function FL.
func mix(x, key uint64) uint64 {
	hi, lo := uint32(x>>32), uint32(x)
	lo ^= bits.RotateLeft32(hi&uint32(key>>32), 1)
	hi ^= lo | uint32(key)
	return uint64(hi)<<32 | uint64(lo)
}

// unmix is the function FLINV, the inverse of mix.
func unmix(y, key uint64) uint64 {
	hi, lo := uint32(y>>32), uint32(y)
	hi ^= lo | uint32(key)
	lo ^= bits.RotateLeft32(hi&uint32(key>>32), 1)
	return uint64(hi)<<32 | uint64(lo)
}
