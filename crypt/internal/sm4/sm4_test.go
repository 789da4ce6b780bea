package sm4

import (
	"testing"

	"github.com/dmimg/dmimg/crypt/internal/blocktest"
)

var suite = blocktest.Cipher{
	Name: "sm4", BlockSize: BlockSize, KeySizes: []int{KeySize},
	New: func(key []byte) (blocktest.Block, error) { return New(key) },
}

func TestSM4(t *testing.T) {
	t.Parallel()
	blocktest.Run(t, suite)
}

func BenchmarkSM4(b *testing.B) { blocktest.Benchmark(b, suite) }
