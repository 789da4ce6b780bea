package bench

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/multihash"
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
		name  string
		block int
	}{{hash4096, 4096}, {hash512, 512}} {
		l := loop{name: w.name}
		for _, name := range multihash.Implementations() {
			h, err := multihash.NewSHA256Impl(testKey(saltBytes), nil, name)
			if err != nil {
				return nil, err
			}
			l.contestants = append(l.contestants, hasherContestant("dmimg "+name, h, w.block))
		}
		l.contestants = append(l.contestants, hashPeer("crypto/sha256", sha256.New(), w.block))
		loops = append(loops, l)
	}
	long, err := verity.NewHasher(verity.Params{
		HashType: 1, Algorithm: "sha512", DataBlockSize: 4096, HashBlockSize: 4096,
		DataBlocks: hashLoopBytes / 4096, Salt: testKey(saltBytes),
	})
	if err != nil {
		return nil, err
	}
	return append(loops, loop{name: hashSHA512, contestants: []contestant{
		hasherContestant("dmimg", long, 4096), hashPeer("crypto/sha512", sha512.New(), 4096),
	}}), nil
}

// hasherContestant runs one of our batch hashers over the loop's blocks.
func hasherContestant(name string, h verity.BatchHasher, block int) contestant {
	blocks := make([]byte, hashLoopBytes)
	digests := make([]byte, hashLoopBytes/block*h.Size())
	return contestant{
		name: name, bytes: hashLoopBytes,
		call: func() { h.SumBlocks(digests, blocks, block) },
	}
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
