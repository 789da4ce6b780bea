package camellia

import (
	"testing"

	"github.com/dmimg/dmimg/crypt/internal/blocktest"
)

var suite = blocktest.Cipher{
	Name: "camellia", BlockSize: BlockSize, KeySizes: []int{16, 24, 32},
	New: func(key []byte) (blocktest.Block, error) { return New(key) },
}

func TestCamellia(t *testing.T) {
	t.Parallel()
	blocktest.Run(t, suite)
}

func BenchmarkCamellia(b *testing.B) { blocktest.Benchmark(b, suite) }
