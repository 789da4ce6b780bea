package crypt

import (
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// TestPOLYVAL runs the example of RFC 8452, appendix A.
func TestPOLYVAL(t *testing.T) {
	t.Parallel()
	key := newPolyvalKey(decodeHex(t, "25629347589242761d31f826ba4b757b"))
	got := make([]byte, 16)
	key.update(polyvalElement{}, decodeHex(t, "4f4f95668c83dfb6401762bb2d01a262d1a24ddd2721d006bbe45f20d3c9f362")).store(got)
	if want := "f7a3b47b846119fae5b7866cf5e5b77e"; hex.EncodeToString(got) != want {
		t.Errorf("POLYVAL = %x, want %s", got, want)
	}
}

// TestMultiplyBits compares with the school method, for numbers full of ones too.
func TestMultiplyBits(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		x, y := random.Uint64(), random.Uint64()
		switch i % 4 {
		case 1:
			x = ^uint64(0)
		case 2:
			x, y = ^uint64(0), ^uint64(0)>>(i%64)
		}
		var hi, lo uint64
		for bit := range 64 {
			if y>>bit&1 == 1 {
				lo ^= x << bit
				hi ^= x >> (64 - bit)
			}
		}
		if h, l := multiplyBits(x, y); h != hi || l != lo {
			t.Fatalf("multiplyBits(%x, %x) = %x %x, want %x %x", x, y, h, l, hi, lo)
		}
	}
}
