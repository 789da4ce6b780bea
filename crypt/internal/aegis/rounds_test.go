package aegis

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// TestAESRounds compares with a round worked out from FIPS 197 with a computed
// S-box, on states that hold every byte in every place.
func TestAESRounds(t *testing.T) {
	t.Parallel()
	sbox := computedSBox()
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 600 {
		var in, want [64]byte
		for i := range in {
			in[i] = byte(n + i*37)
			if n >= 256 {
				in[i] = byte(r.Uint32())
			}
		}
		for i := 0; i < 64; i += 16 {
			plainRound(want[i:i+16], in[i:i+16], &sbox)
		}
		var s [8]uint64
		for i := range s {
			s[i] = binary.LittleEndian.Uint64(in[8*i:])
		}
		aesRounds(&s)
		for i := range s {
			if got, w := s[i], binary.LittleEndian.Uint64(want[8*i:]); got != w {
				t.Fatalf("round of %x: word %d is %016x, want %016x", in, i, got, w)
			}
		}
	}
}

// computedSBox is SubBytes by definition: the inverse, then the affine map.
func computedSBox() (sbox [256]byte) {
	for x := range 256 {
		inverse := byte(0)
		for y := range 256 {
			if gfTimes(byte(x), byte(y)) == 1 {
				inverse = byte(y)
			}
		}
		s := inverse
		for i := 1; i <= 4; i++ {
			s ^= inverse<<i | inverse>>(8-i)
		}
		sbox[x] = s ^ 0x63
	}
	return sbox
}

func gfTimes(a, b byte) (product byte) {
	for ; b > 0; b >>= 1 {
		if b&1 != 0 {
			product ^= a
		}
		carry := a >> 7
		a = a<<1 ^ 0x1b*carry
	}
	return product
}

// plainRound is SubBytes, ShiftRows and MixColumns of one state.
func plainRound(dst, src []byte, sbox *[256]byte) {
	for column := range 4 {
		var a [4]byte
		for row := range 4 {
			a[row] = sbox[src[4*((column+row)%4)+row]]
		}
		for row := range 4 {
			dst[4*column+row] = gfTimes(a[row], 2) ^ gfTimes(a[(row+1)%4], 3) ^ a[(row+2)%4] ^ a[(row+3)%4]
		}
	}
}
