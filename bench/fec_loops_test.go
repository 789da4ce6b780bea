package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/dmimg/dmimg/verity/fec"
)

// memoryArea is a parity area in memory.
type memoryArea []byte

func (m memoryArea) WriteAt(p []byte, off int64) (int, error) { return copy(m[off:], p), nil }

// TestScalarFECMakesTheSameParity holds the peer of the FEC loops to our parity:
// one that makes something else would be no measure. The images end within the
// last shard, at its end, and before it.
func TestScalarFECMakesTheSameParity(t *testing.T) {
	t.Parallel()
	for _, roots := range []int{2, 7, 24} {
		for _, blocks := range []uint64{1, 231, 255, 300, 506} {
			t.Run(fmt.Sprintf("roots=%d/blocks=%d", roots, blocks), func(t *testing.T) {
				t.Parallel()
				p := fec.Params{Roots: roots, BlockSize: 1024, Blocks: blocks, Jobs: 1}
				image := make([]byte, p.CoveredBytes())
				rand.NewChaCha8([32]byte{1}).Read(image)
				want := make(memoryArea, p.ParityBytes())
				if err := fec.Encode(t.Context(), bytes.NewReader(image), want, 0, p); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, p.ParityBytes())
				newScalarFEC(roots).encode(got, image, int(p.ShardBytes()), int(p.ShardBytes()))
				if !bytes.Equal(got, want) {
					t.Error("the parity differs from ours")
				}
			})
		}
	}
}
