package hashes

import (
	"encoding/binary"
	"hash"
	"sync"
)

// whirlpool is Whirlpool as ISO/IEC 10118-3:2004 fixed it (the third version,
// "The Whirlpool Hashing Function" by Barreto and Rijmen, 2003). The kernel
// calls it wp512; its wp384 and wp256 are the first bytes of the same digest.
//
// It works by table look-ups that depend on the data.
type whirlpool struct {
	state  [8]uint64 // the rows of the 8×8 byte matrix
	buf    buffer64
	tables *whirlpoolTables
	size   int
}

const whirlpoolRounds = 10

// whirlpoolTables holds, for every byte of a row, its S-box value already
// multiplied by a row of the diffusion matrix, and the round constants.
type whirlpoolTables struct {
	mix      [8][256]uint64
	constant [whirlpoolRounds]uint64 // only the first row of a round key is not zero
}

// makeWhirlpoolTables computes the tables once, when the first Whirlpool hash
// is made; they are read-only afterwards.
var makeWhirlpoolTables = sync.OnceValue(func() *whirlpoolTables {
	t := new(whirlpoolTables)
	sbox := whirlpoolSBox()
	for x, s := range sbox {
		row := whirlpoolMix(s)
		for i := range t.mix {
			t.mix[i][x] = row>>(8*i) | row<<(64-8*i)
		}
	}
	for r := range t.constant {
		t.constant[r] = binary.BigEndian.Uint64(sbox[8*r:])
	}
	return t
})

// whirlpoolSBox builds the substitution box from its mini-boxes E, E⁻¹ and R
// (section 3.2 and figure 1 of the paper).
func whirlpoolSBox() (sbox [256]byte) {
	e := [16]byte{0x1, 0xB, 0x9, 0xC, 0xD, 0x6, 0xF, 0x3, 0xE, 0x8, 0x7, 0x4, 0xA, 0x2, 0x5, 0x0}
	r := [16]byte{0x7, 0xC, 0xB, 0xD, 0xE, 0x4, 0x9, 0xF, 0x6, 0x3, 0x8, 0xA, 0x2, 0x5, 0x1, 0x0}
	var inverse [16]byte
	for x, y := range e {
		inverse[y] = byte(x)
	}
	for x := range sbox {
		u, l := e[x>>4], inverse[x&15]
		m := r[u^l]
		sbox[x] = e[u^m]<<4 | inverse[l^m]
	}
	return sbox
}

// whirlpoolMix multiplies one byte by the first row of the circulant
// diffusion matrix, cir(1, 1, 4, 1, 8, 5, 2, 9), in GF(2⁸) modulo
// x⁸+x⁴+x³+x²+1.
func whirlpoolMix(s byte) uint64 {
	double := func(v byte) byte { return v<<1 ^ (v>>7)*0x1d }
	s2 := double(s)
	s4 := double(s2)
	s8 := double(s4)
	return binary.BigEndian.Uint64([]byte{s, s, s4, s, s8, s4 ^ s, s2, s8 ^ s})
}

// newWhirlpool returns the constructor for a digest cut to size bytes.
func newWhirlpool(size int) func() hash.Hash {
	return func() hash.Hash { return &whirlpool{tables: makeWhirlpoolTables(), size: size} }
}

func (w *whirlpool) Size() int      { return w.size }
func (w *whirlpool) BlockSize() int { return 64 }

func (w *whirlpool) Reset() {
	w.state = [8]uint64{}
	w.buf.reset()
}

func (w *whirlpool) Write(p []byte) (int, error) {
	n := len(p)
	for run := p; len(p) > 0; w.blocks(run) {
		run, p = w.buf.take(p)
	}
	return n, nil
}

func (w *whirlpool) Sum(b []byte) []byte {
	last := *w
	end := last.buf.pad(32) // for a 256-bit count of bits
	binary.BigEndian.PutUint64(end[len(end)-8:], w.buf.length<<3)
	end[len(end)-9] = byte(w.buf.length >> 61)
	last.blocks(end)
	var digest [64]byte
	for i, row := range last.state {
		binary.BigEndian.PutUint64(digest[8*i:], row)
	}
	return append(b, digest[:w.size]...)
}

// MarshalBinary saves the state, as crypto/hmac does once for a key.
func (w *whirlpool) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 64+64+8)
	for _, row := range w.state {
		b = binary.BigEndian.AppendUint64(b, row)
	}
	return w.buf.save(b), nil
}

// UnmarshalBinary takes a saved state.
func (w *whirlpool) UnmarshalBinary(b []byte) error {
	if len(b) < 64 {
		return errSavedState
	}
	for i := range w.state {
		w.state[i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return w.buf.load(b[64:])
}

// blocks runs the Miyaguchi-Preneel construction over whole blocks.
func (w *whirlpool) blocks(p []byte) {
	t := w.tables
	for ; len(p) >= 64; p = p[64:] {
		var text [8]uint64
		key := w.state
		for i := range text {
			m := binary.BigEndian.Uint64(p[8*i:])
			text[i] = m ^ key[i]
			w.state[i] ^= m
		}
		for _, constant := range t.constant {
			t.round(&key, &[8]uint64{constant})
			t.round(&text, &key)
		}
		for i := range text {
			w.state[i] ^= text[i]
		}
	}
}

// round is one round in place: substitution, the shift of column i down by i
// rows, diffusion, and the addition of a round key.
func (t *whirlpoolTables) round(s, key *[8]uint64) {
	m := &t.mix
	a, b, c, d, e, f, g, h := key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7]
	x := s[0]
	a ^= m[0][x>>56]
	b ^= m[1][byte(x>>48)]
	c ^= m[2][byte(x>>40)]
	d ^= m[3][byte(x>>32)]
	e ^= m[4][byte(x>>24)]
	f ^= m[5][byte(x>>16)]
	g ^= m[6][byte(x>>8)]
	h ^= m[7][byte(x)]
	x = s[1]
	b ^= m[0][x>>56]
	c ^= m[1][byte(x>>48)]
	d ^= m[2][byte(x>>40)]
	e ^= m[3][byte(x>>32)]
	f ^= m[4][byte(x>>24)]
	g ^= m[5][byte(x>>16)]
	h ^= m[6][byte(x>>8)]
	a ^= m[7][byte(x)]
	x = s[2]
	c ^= m[0][x>>56]
	d ^= m[1][byte(x>>48)]
	e ^= m[2][byte(x>>40)]
	f ^= m[3][byte(x>>32)]
	g ^= m[4][byte(x>>24)]
	h ^= m[5][byte(x>>16)]
	a ^= m[6][byte(x>>8)]
	b ^= m[7][byte(x)]
	x = s[3]
	d ^= m[0][x>>56]
	e ^= m[1][byte(x>>48)]
	f ^= m[2][byte(x>>40)]
	g ^= m[3][byte(x>>32)]
	h ^= m[4][byte(x>>24)]
	a ^= m[5][byte(x>>16)]
	b ^= m[6][byte(x>>8)]
	c ^= m[7][byte(x)]
	x = s[4]
	e ^= m[0][x>>56]
	f ^= m[1][byte(x>>48)]
	g ^= m[2][byte(x>>40)]
	h ^= m[3][byte(x>>32)]
	a ^= m[4][byte(x>>24)]
	b ^= m[5][byte(x>>16)]
	c ^= m[6][byte(x>>8)]
	d ^= m[7][byte(x)]
	x = s[5]
	f ^= m[0][x>>56]
	g ^= m[1][byte(x>>48)]
	h ^= m[2][byte(x>>40)]
	a ^= m[3][byte(x>>32)]
	b ^= m[4][byte(x>>24)]
	c ^= m[5][byte(x>>16)]
	d ^= m[6][byte(x>>8)]
	e ^= m[7][byte(x)]
	x = s[6]
	g ^= m[0][x>>56]
	h ^= m[1][byte(x>>48)]
	a ^= m[2][byte(x>>40)]
	b ^= m[3][byte(x>>32)]
	c ^= m[4][byte(x>>24)]
	d ^= m[5][byte(x>>16)]
	e ^= m[6][byte(x>>8)]
	f ^= m[7][byte(x)]
	x = s[7]
	h ^= m[0][x>>56]
	a ^= m[1][byte(x>>48)]
	b ^= m[2][byte(x>>40)]
	c ^= m[3][byte(x>>32)]
	d ^= m[4][byte(x>>24)]
	e ^= m[5][byte(x>>16)]
	f ^= m[6][byte(x>>8)]
	g ^= m[7][byte(x)]
	*s = [8]uint64{a, b, c, d, e, f, g, h}
}
