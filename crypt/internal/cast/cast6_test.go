package cast

import (
	"testing"

	"github.com/dmimg/dmimg/crypt/internal/blocktest"
)

var suite6 = blocktest.Cipher{
	Name: "cast6", BlockSize: BlockSize6, KeySizes: []int{16, 20, 24, 28, 32}, Answers: []int{16, 24, 32},
	New: func(key []byte) (blocktest.Block, error) { return New6(key) },
}

func TestCAST6(t *testing.T) {
	t.Parallel()
	blocktest.Run(t, suite6)
}

// TestShortKeys6: keys are filled up with zeros.
func TestShortKeys6(t *testing.T) {
	t.Parallel()
	full := []byte("0123456789abcdefghijklmnopqrstuv")
	for _, size := range suite6.KeySizes {
		padded := make([]byte, 32)
		copy(padded, full[:size])
		short, err := New6(full[:size])
		if err != nil {
			t.Fatal(err)
		}
		long, err := New6(padded)
		if err != nil {
			t.Fatal(err)
		}
		if *short != *long {
			t.Errorf("key of %d bytes: round keys are not those of the padded key", size)
		}
	}
}

func BenchmarkCAST6(b *testing.B) { blocktest.Benchmark(b, suite6) }
