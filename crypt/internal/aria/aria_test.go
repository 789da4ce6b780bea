package aria

import (
	"testing"

	"github.com/dmimg/dmimg/crypt/internal/blocktest"
)

var suite = blocktest.Cipher{
	Name: "aria", BlockSize: BlockSize, KeySizes: []int{16, 24, 32},
	New: func(key []byte) (blocktest.Block, error) { return New(key) },
}

func TestARIA(t *testing.T) {
	t.Parallel()
	blocktest.Run(t, suite)
}

func BenchmarkARIA(b *testing.B) { blocktest.Benchmark(b, suite) }
