package crypt

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/crypto/chacha20"
	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"
)

// TestAdiantumIsTheLibrarys compares with the library given the whole tweak, for
// every sector size and tweaks with all bits in use.
func TestAdiantumIsTheLibrarys(t *testing.T) {
	t.Parallel()
	key := patterned(32)
	for rounds, newHBSH := range map[int]func([]byte) *hbsh.HBSH{12: adiantum.New, 20: adiantum.New20} {
		mode, err := adiantumOf("", rounds, newHBSH).new(key, "")
		if err != nil {
			t.Fatal(err)
		}
		library := newHBSH(bytes.Clone(key))
		for _, size := range []int{512, 1024, 2048, 4096} {
			const sectors = 20
			plain := patterned(sectors * size)
			tweaks := patterned(sectors * adiantumTweak)
			want := bytes.Clone(plain)
			for i := range sectors {
				library.Encrypt(want[i*size:(i+1)*size:(i+1)*size], tweaks[i*adiantumTweak:(i+1)*adiantumTweak])
			}
			got := make([]byte, len(plain))
			mode.encrypt(got, plain, tweaks, size)
			if at := firstDifference(got, want); at >= 0 {
				t.Errorf("%d rounds, sectors of %d bytes: byte %d of the ciphertext differs from the library's", rounds, size, at)
			}
			mode.decrypt(got, got, tweaks, size)
			if at := firstDifference(got, plain); at >= 0 {
				t.Errorf("%d rounds, sectors of %d bytes: byte %d of the plaintext differs", rounds, size, at)
			}
		}
	}
}

// TestXChaChaBlock compares with x/crypto, which has 20 rounds only.
func TestXChaChaBlock(t *testing.T) {
	t.Parallel()
	for _, number := range []byte{0, 1, 0xff} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			key := patterned(32)
			nonce := make([]byte, chacha20.NonceSizeX)
			nonce[0] = number
			c, err := chacha20.NewUnauthenticatedCipher(key, nonce)
			if err != nil {
				t.Fatal(err)
			}
			var want [64]byte
			c.XORKeyStream(want[:], want[:])
			if got := xchachaBlock(key, uint32(number), 20); got != want {
				t.Errorf("XChaCha20 with nonce %d = %x, want %x", number, got, want)
			}
		})
	}
}
