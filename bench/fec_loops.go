package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/dmimg/dmimg/verity/fec"
)

// The FEC loops encode an image that is larger than the caches, since parity takes
// pieces of it that lie far apart.
const (
	fecLoopBytes = 32 << 20
	fecBlock     = 4096
)

// fecLoops encode with the fewest and the most roots.
func fecLoops() ([]loop, error) {
	image := make([]byte, fecLoopBytes)
	rand.NewChaCha8([32]byte{}).Read(image) // never fails
	var loops []loop
	for _, w := range []struct {
		name  string
		roots int
	}{{encode2, 2}, {encode24, 24}} {
		p := fec.Params{Roots: w.roots, BlockSize: fecBlock, Blocks: fecLoopBytes / fecBlock, Jobs: 1}
		if err := p.Validate(); err != nil {
			return nil, err
		}
		loops = append(loops, loop{name: w.name, clock: processTime, contestants: []contestant{
			fecContestant(image, p), fecPeer(image, p),
		}})
	}
	return loops, nil
}

// fecContestant encodes the image with one of our goroutines.
func fecContestant(image []byte, p fec.Params) contestant {
	return contestant{
		name: "dmimg", bytes: int64(len(image)),
		call: func() {
			if err := fec.Encode(context.Background(), bytes.NewReader(image), discard{}, 0, p); err != nil {
				panic(fmt.Sprintf("bench: internal error: encoding in memory: %v", err))
			}
		},
	}
}

// discard is a parity area that keeps nothing.
type discard struct{}

func (discard) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// fecPeer encodes the codewords one after the other, as textbooks and libfec do;
// a small part of them, which is enough to know its speed.
func fecPeer(image []byte, p fec.Params) contestant {
	const part = 128
	s := newScalarFEC(p.Roots)
	shard := int(p.ShardBytes())
	n := shard / part
	parity := make([]byte, n*p.Roots)
	return contestant{
		name: "plain Go, log tables", peer: true, baseline: true, bytes: int64(n * p.Shards()),
		call: func() { s.encode(parity, image, shard, n) },
	}
}
