package fec

import (
	"fmt"

	"github.com/klauspost/reedsolomon"
)

// The library multiplies matrices of at most groupShards × groupShards in one
// go. A wider one it splits by itself, but then it wants all shards at once,
// which leave the second cache on the way.
const groupShards = 10

// group is a coder for a run of shards: it computes what they contribute to
// the parity.
type group struct {
	first, count int // of message shards
	coder        reedsolomon.Encoder
}

// newGroups divides the message shards into groups that fit into one
// multiplication, for shards of up to size bytes. With more roots than that
// takes, summing up the contributions of so many groups would cost more than
// the caches give, so all shards are one group. The coders may be shared
// between goroutines.
func newGroups(roots, size int) ([]group, error) {
	matrix := galois().parityMatrix(roots)
	shards := codewordLen - roots
	if roots > groupShards {
		coder, err := newCoder(roots, size)
		return []group{{count: shards, coder: coder}}, err
	}
	groups := make([]group, 0, (shards+groupShards-1)/groupShards)
	for first := 0; first < shards; first += groupShards {
		g := group{first: first, count: min(groupShards, shards-first)}
		columns := make([][]byte, roots)
		for j, row := range matrix {
			columns[j] = row[first : first+g.count]
		}
		var err error
		g.coder, err = reedsolomon.New(g.count, roots,
			reedsolomon.WithCustomMatrix(columns),
			reedsolomon.WithInversionCache(false),
			reedsolomon.WithMaxGoroutines(1))
		if err != nil {
			return nil, fmt.Errorf("fec: making a coder with %d roots: %w", roots, err)
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// newCoder returns the bulk coder for all message shards, of size bytes each;
// it may be shared between goroutines.
//
// The library takes its fastest path, GFNI over a planned split of a wide
// matrix, only when it may use more than one goroutine and the shards are
// longer than the split size. These options lead it there with one goroutine
// for a whole window.
func newCoder(roots, size int) (reedsolomon.Encoder, error) {
	coder, err := reedsolomon.New(codewordLen-roots, roots,
		reedsolomon.WithCustomMatrix(galois().parityMatrix(roots)),
		reedsolomon.WithInversionCache(false),
		reedsolomon.WithMaxGoroutines(2),
		reedsolomon.WithMinSplitSize(size-1))
	if err != nil {
		return nil, fmt.Errorf("fec: making a coder with %d roots: %w", roots, err)
	}
	return coder, nil
}
