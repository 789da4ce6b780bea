package fec

import (
	"context"
	"io"
	"sync"
)

// Report says where a covered stream and its parity disagree, as far as the
// code alone can tell.
type Report struct {
	// Codewords is the number of codewords that are not right.
	Codewords uint64
	// Blocks are the blocks of the covered stream in which the code locates
	// errors; with as few errors as that it could also correct them.
	Blocks []Range
	// Parity are the blocks of the parity area, counted from its start, in
	// which the code locates errors.
	Parity []Range
	// Unclear are the rounds with codewords that have too many errors to be
	// located: the blocks r + i×Rounds of the stream, for r in the ranges and
	// all shards i, or their parity.
	Unclear []Range
}

// OK reports that every codeword is right.
func (r *Report) OK() bool { return r.Codewords == 0 }

// Check reads the covered stream src (see [Area.Stream]) and the parity area
// at byte off of parity, and reports all disagreement. It works like [Encode],
// on all cores in little memory; finding the places of errors costs more time
// than finding that there are some.
//
// What it locates is what the code makes of it: with more than Roots/2 damaged
// blocks in a round it may, rarely, name wrong ones.
func Check(ctx context.Context, src, parity io.ReaderAt, off int64, p Params) (*Report, error) {
	if err := p.checkArea(off); err != nil {
		return nil, err
	}
	c := &check{params: p, blocks: blockSet{}, parity: blockSet{}, unclear: blockSet{}}
	err := p.eachWindow(ctx, func(w *window, column int64, n int) error {
		if err := w.read(src, column, n); err != nil {
			return err
		}
		if err := w.readParity(parity, off, column, n); err != nil {
			return err
		}
		same, err := w.compare(n)
		if err == nil && !same {
			c.locate(w, column, n)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Report{
		Codewords: c.codewords,
		Blocks:    c.blocks.ranges(),
		Parity:    c.parity.ranges(),
		Unclear:   c.unclear.ranges(),
	}, nil
}

// check gathers a Report.
type check struct {
	params Params

	mu                      sync.Mutex
	codewords               uint64
	blocks, parity, unclear blockSet
}

// locate finds the errors in a window that has some.
func (k *check) locate(w *window, column int64, n int) {
	w.mend().each(column, n, nil, func(c int, positions []int, ok bool) bool {
		k.record(column+int64(c), positions, ok)
		return true
	})
}

// record notes the errors of one codeword.
func (k *check) record(codeword int64, positions []int, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.codewords++
	round := uint64(codeword) / uint64(k.params.BlockSize)
	if !ok {
		k.unclear.add(round)
		return
	}
	shards := k.params.Shards()
	for _, position := range positions {
		if position < shards {
			k.blocks.add(uint64(position)*k.params.Rounds() + round)
		} else {
			at := uint64(codeword)*uint64(k.params.Roots) + uint64(position-shards)
			k.parity.add(at / uint64(k.params.BlockSize))
		}
	}
}
