package bench

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/dmimg/dmimg/verity"
)

// The hash loops work on a run of blocks that stays in the second cache, with
// the salt that veritysetup makes by default.
const (
	hashLoopBytes = 384 << 10
	saltBytes     = 32
)

// verityLoops hash runs of equal blocks.
func verityLoops() ([]loop, error) {
	var loops []loop
	for _, w := range []struct {
		algorithm string
		block     int
		peer      string
		newHash   func() hash.Hash
	}{
		{"sha256", 4096, "crypto/sha256", sha256.New},
		{"sha256", 512, "crypto/sha256", sha256.New},
		{"sha512", 4096, "crypto/sha512", sha512.New},
	} {
		ours, err := hasherContestant(w.algorithm, w.block)
		if err != nil {
			return nil, err
		}
		loops = append(loops, loop{
			name:        fmt.Sprintf("%s of salted %d-byte blocks, in memory", w.algorithm, w.block),
			contestants: []contestant{ours, hashPeer(w.peer, w.newHash(), w.block)},
		})
	}
	return loops, nil
}

func hasherContestant(algorithm string, block int) (contestant, error) {
	h, err := verity.NewHasher(verity.Params{
		HashType: 1, Algorithm: algorithm, DataBlockSize: block, HashBlockSize: block,
		DataBlocks: hashLoopBytes / uint64(block), Salt: testKey(saltBytes),
	})
	if err != nil {
		return contestant{}, err
	}
	blocks := make([]byte, hashLoopBytes)
	digests := make([]byte, hashLoopBytes/block*h.Size())
	return contestant{
		name: "dmimg", bytes: hashLoopBytes,
		call: func() { h.SumBlocks(digests, blocks, block) },
	}, nil
}

// hashPeer is the loop that a Go program writes without us.
func hashPeer(name string, h hash.Hash, block int) contestant {
	salt, blocks := testKey(saltBytes), make([]byte, hashLoopBytes)
	digests := make([]byte, 0, hashLoopBytes/block*h.Size())
	return contestant{
		name: name, peer: true, baseline: true, bytes: hashLoopBytes,
		call: func() {
			digests = digests[:0]
			for at := 0; at < len(blocks); at += block {
				h.Reset()
				h.Write(salt)
				h.Write(blocks[at : at+block])
				digests = h.Sum(digests)
			}
		},
	}
}
