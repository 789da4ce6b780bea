package twofish

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/twofish" //lint:ignore SA1019 the judge

	"github.com/dmimg/dmimg/crypt/internal/blocktest"
)

var suite = blocktest.Cipher{
	Name: "twofish", BlockSize: BlockSize, KeySizes: []int{16, 24, 32},
	New: func(key []byte) (blocktest.Block, error) { return New(key) },
}

func TestTwofish(t *testing.T) {
	t.Parallel()
	blocktest.Run(t, suite)
}

// TestIsXCryptos compares with x/crypto for random keys and blocks.
func TestIsXCryptos(t *testing.T) {
	t.Parallel()
	random := rand.NewChaCha8([32]byte{1})
	for i := range 300 {
		key, plain := make([]byte, 16+8*(i%3)), make([]byte, 5*BlockSize)
		random.Read(key)
		random.Read(plain)
		c, err := New(key)
		if err != nil {
			t.Fatal(err)
		}
		judge, err := twofish.NewCipher(key)
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]byte, len(plain)), make([]byte, len(plain))
		c.EncryptBlocks(got, plain)
		for j := 0; j < len(plain); j += BlockSize {
			judge.Encrypt(want[j:], plain[j:])
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("key %d of %d bytes: EncryptBlocks = %x, want %x", i, len(key), got, want)
		}
		if c.DecryptBlocks(got, got); !bytes.Equal(got, plain) {
			t.Fatalf("key %d of %d bytes: DecryptBlocks is not the inverse", i, len(key))
		}
	}
}

func BenchmarkTwofish(b *testing.B) { blocktest.Benchmark(b, suite) }
