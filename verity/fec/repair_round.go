package fec

import (
	"context"
	"fmt"
	"slices"
)

// batchBytes bounds the recovered blocks that one goroutine holds.
const batchBytes = 4 << 20

// round repairs the listed blocks of one round.
func (r *repair) round(ctx context.Context, s *decoding, round uint64) error {
	var listed []int // shards
	for i, b := 0, round; b < r.params.Blocks; i, b = i+1, b+r.params.Rounds() {
		if r.listed.contains(b) {
			listed = append(listed, i)
		}
	}
	for batch := range slices.Chunk(listed, max(1, batchBytes/r.params.BlockSize)) {
		j := roundJob{repair: r, decoding: s, round: round, left: batch}
		if err := j.run(ctx, listed); err != nil {
			return err
		}
		for _, shard := range j.left {
			r.record(j.block(shard), false)
		}
	}
	return nil
}

// roundJob repairs some of the listed blocks of one round.
type roundJob struct {
	*repair
	*decoding

	round  uint64
	left   []int  // shards whose block is still to be repaired
	result []byte // their blocks as decoded, one after the other
}

// block is the block of a shard.
func (j *roundJob) block(shard int) uint64 { return uint64(shard)*j.params.Rounds() + j.round }

// run tries what Repair promises.
func (j *roundJob) run(ctx context.Context, listed []int) error {
	if len(listed) <= j.params.Roots {
		if err := j.try(ctx, listed); err != nil {
			return err
		}
	}
	if j.bad == nil || len(j.left) == 0 {
		return nil
	}
	if err := j.try(ctx, nil); err != nil || len(j.left) == 0 {
		return err
	}
	j.known = j.known[:0]
	j.findBad(j.decoding, j.round, j.bad)
	if len(j.known) > j.params.Roots || slices.Equal(j.known, listed) {
		return nil
	}
	return j.try(ctx, slices.Clone(j.known))
}

// try decodes the round with the given erasures and writes the blocks that come
// out right.
func (j *roundJob) try(ctx context.Context, erasures []int) error {
	j.known = append(j.known[:0], erasures...)
	decoded, complete, err := j.decode(ctx)
	if err != nil || !decoded {
		return err
	}
	size := j.params.BlockSize
	var rest []int
	for k, shard := range j.left {
		b, data := j.block(shard), j.result[k*size:][:size]
		if !j.isRight(b, data, complete) {
			rest = append(rest, shard)
			continue
		}
		if _, err := j.dst.WriteAt(data, int64(b)*int64(size)); err != nil {
			return fmt.Errorf("fec: writing repaired block %d: %w", b, err)
		}
		j.record(b, true)
	}
	j.left = rest
	return nil
}

// isRight decides about a decoded block. complete says that all codewords of its
// round were decoded.
func (j *roundJob) isRight(b uint64, data []byte, complete bool) bool {
	switch {
	case j.bad == nil:
		return complete
	case j.bad(b, data):
		return false
	case complete:
		return true
	}
	stored := j.decoding.block
	n, _ := j.src.ReadAt(stored, int64(b)*int64(len(stored)))
	return n == len(stored) && j.bad(b, stored)
}

// decode decodes all codewords of the round and puts the blocks that are left
// into result. decoded is false if there are more erasures than the code allows
// or, without hashes, if a codeword has too many errors; complete says that none
// has.
func (j *roundJob) decode(ctx context.Context) (decoded, complete bool, err error) {
	size := j.params.BlockSize
	if need := len(j.left) * size; len(j.result) < need {
		j.result = make([]byte, need)
	}
	complete = true
	for from := 0; from < size; from += windowMax {
		n := min(size-from, windowMax)
		column := int64(j.round)*int64(size) + int64(from)
		if !j.load(j.decoding, column, n) {
			return false, false, nil
		}
		if err := j.window.readParity(j.parity, j.off, column, n); err != nil {
			return false, false, err
		}
		same, err := j.window.compare(n)
		if err != nil {
			return false, false, err
		}
		if !same {
			complete = j.mend(ctx, column, n) && complete
		}
		if err := ctx.Err(); err != nil {
			return false, false, context.Cause(ctx)
		}
		if !complete && j.bad == nil {
			return false, false, nil
		}
		for k, shard := range j.left {
			copy(j.result[k*size+from:], j.window.shards[shard])
		}
	}
	return true, complete, nil
}

// mend corrects the codewords of the window that can be corrected; ok says that
// all can. Without hashes it stops at the first that cannot.
func (j *roundJob) mend(ctx context.Context, column int64, n int) (ok bool) {
	ok = true
	j.window.mend().each(column, n, j.erasures, func(_ int, _ []int, each bool) bool {
		ok = ok && each
		return ctx.Err() == nil && (ok || j.bad != nil)
	})
	return ok
}
