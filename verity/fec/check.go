package fec

import (
	"bytes"
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
// on all cores in little memory; where there is disagreement it reads again and
// needs more time.
//
// What it locates is what the code makes of it: with more than Roots/2 damaged
// blocks in a round it may, rarely, name wrong ones.
func Check(ctx context.Context, src, parity io.ReaderAt, off int64, p Params) (*Report, error) {
	if err := p.checkArea(off); err != nil {
		return nil, err
	}
	c := &check{params: p, parityArea: parity, off: off, blocks: blockSet{}, parity: blockSet{}, unclear: blockSet{}}
	err := p.eachStrip(ctx, src, func(s *strip, column int64, n int) error {
		same, err := s.compare(parity, off, column, n)
		if err == nil && !same {
			err = c.locate(ctx, s, column, n)
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
	params     Params
	parityArea io.ReaderAt
	off        int64

	mu                      sync.Mutex
	codewords               uint64
	blocks, parity, unclear blockSet
}

// locate finds the errors in a strip that has some, a window at a time.
func (k *check) locate(ctx context.Context, s *strip, column int64, n int) error {
	roots := k.params.Roots
	for at := 0; at < n; at += windowMax {
		size := min(windowMax, n-at)
		if bytes.Equal(s.parity[at*roots:(at+size)*roots], s.stored[at*roots:(at+size)*roots]) {
			continue
		}
		w, err := s.spare()
		if err != nil {
			return err
		}
		if err := k.locateIn(ctx, w, s.src, column+int64(at), size); err != nil {
			return err
		}
	}
	return nil
}

// locateIn finds the errors in n columns.
func (k *check) locateIn(ctx context.Context, w *window, src io.ReaderAt, column int64, n int) error {
	if err := w.read(src, column, n); err != nil {
		return err
	}
	if err := w.readParity(k.parityArea, k.off, column, n); err != nil {
		return err
	}
	if same, err := w.compare(n); err != nil || same {
		return err
	}
	w.mend().each(column, n, nil, func(c int, positions []int, ok bool) bool {
		k.record(column+int64(c), positions, ok)
		return ctx.Err() == nil
	})
	return context.Cause(ctx)
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
