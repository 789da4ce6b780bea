package fec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
)

// Repairs says what became of the damaged blocks of an image, as block numbers
// of the covered stream.
type Repairs struct {
	Repaired []Range // written back
	Lost     []Range // more damage than the parity can undo; not touched
}

// Repair recovers the damaged blocks, numbers of the covered stream in any
// order, and writes them to dst at their offset in the stream (see
// [Area.StreamWriter]; dst may be what the Decoder reads from). Blocks that
// are not listed are never written.
//
// The listed blocks are taken as erasures, so up to Roots of the blocks that
// share codewords can be repaired, if everything else in them is right;
// otherwise each one is tried as in [Decoder.Recover]. A block is written only
// if bad (which may be nil) does not say that the result is wrong, and, unless
// that leaves no parity to compare with, if it agrees with the parity.
//
// Errors come from reading the parity, from writing, and from ctx; the
// Repairs returned with them say what was done so far. [Params].Progress is
// told about every listed block.
func (d *Decoder) Repair(ctx context.Context, dst io.WriterAt, damaged []Range, bad BadFunc) (*Repairs, error) {
	r := &repair{
		Decoder: d, dst: dst, bad: bad,
		listed: blockSet{}, rounds: blockSet{}, repaired: blockSet{}, lost: blockSet{},
	}
	for _, g := range damaged {
		if g.First > g.Last || g.Last >= d.params.Blocks {
			return &Repairs{}, badParams("damaged blocks %d to %d of %d", g.First, g.Last, d.params.Blocks)
		}
		for b := g.First; b <= g.Last; b++ {
			r.listed.add(b)
			r.rounds.add(b % d.params.Rounds())
		}
	}
	err := r.run(ctx)
	return &Repairs{Repaired: r.repaired.ranges(), Lost: r.lost.ranges()}, err
}

// repair is one call of Repair.
type repair struct {
	*Decoder
	dst    io.WriterAt
	bad    BadFunc
	listed blockSet // blocks
	rounds blockSet // rounds with listed blocks

	mu             sync.Mutex
	repaired, lost blockSet // blocks
}

// run works on the rounds one by one, each in one goroutine.
func (r *repair) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next, stop := iter.Pull(r.rounds.all())
	defer stop()
	var nextMu sync.Mutex
	take := func() (round uint64, ok bool) {
		nextMu.Lock()
		defer nextMu.Unlock()
		return next()
	}
	var wg sync.WaitGroup
	for range r.params.workers() {
		wg.Go(func() {
			s := r.acquire()
			defer r.pool.Put(s)
			for round, ok := take(); ok && ctx.Err() == nil; round, ok = take() {
				if err := r.round(s, round); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// round repairs the listed blocks of one round.
func (r *repair) round(s *decoding, round uint64) error {
	rounds, size := r.params.Rounds(), r.params.BlockSize
	s.known = s.known[:0]
	for b := round; b < r.params.Blocks; b += rounds {
		if r.listed.contains(b) {
			s.known = append(s.known, int(b/rounds))
		}
	}
	blocks, ok, err := r.rebuild(s, round)
	if err != nil {
		return err
	}
	for k, shard := range s.known {
		b := uint64(shard)*rounds + round
		if !ok || r.bad != nil && r.bad(b, blocks[k]) {
			if blocks[k], err = r.recoverListed(s, b); err != nil {
				return err
			}
		}
		if blocks[k] != nil {
			if _, err := r.dst.WriteAt(blocks[k], int64(b)*int64(size)); err != nil {
				return fmt.Errorf("fec: writing repaired block %d: %w", b, err)
			}
		}
		r.record(b, blocks[k] != nil)
	}
	return nil
}

// record notes the fate of a listed block.
func (r *repair) record(block uint64, repaired bool) {
	r.mu.Lock()
	if repaired {
		r.repaired.add(block)
	} else {
		r.lost.add(block)
	}
	r.mu.Unlock()
	if r.params.Progress != nil {
		r.params.Progress(int64(r.params.BlockSize))
	}
}

// recoverListed tries a block on its own, when there is more wrong than the
// listed blocks: first with those as erasures and errors elsewhere, then as
// Recover does. The result is nil if the block is lost.
func (r *repair) recoverListed(s *decoding, block uint64) ([]byte, error) {
	data := make([]byte, r.params.BlockSize)
	ok, err := r.recoverOnce(s, data, block, r.bad)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return data, nil
	case r.bad == nil:
		return nil, nil
	}
	switch err := r.Recover(data, block, r.bad); {
	case errors.Is(err, ErrUnrepairable):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return data, nil
}

// rebuild reconstructs the blocks of the shards in s.known from the rest of
// their round. ok is false if there are too many or the rest disagrees.
func (r *repair) rebuild(s *decoding, round uint64) (blocks [][]byte, ok bool, err error) {
	blocks = make([][]byte, len(s.known))
	if len(s.known) > r.params.Roots {
		return blocks, false, nil
	}
	for k := range blocks {
		blocks[k] = make([]byte, 0, r.params.BlockSize)
	}
	column := int64(round) * int64(r.params.BlockSize)
	for from := 0; from < r.params.BlockSize; from += windowMax {
		n := min(r.params.BlockSize-from, windowMax)
		if !r.load(s, column+int64(from), n) {
			return blocks, false, nil
		}
		ok, err := r.rebuildWindow(s, column+int64(from), n)
		if err != nil || !ok {
			return blocks, false, err
		}
		for k, shard := range s.known {
			blocks[k] = append(blocks[k], s.window.shards[shard]...)
		}
	}
	return blocks, true, nil
}

// rebuildWindow reconstructs the shards in s.erasures of a loaded window. ok
// is false if there is parity to spare and it does not agree.
func (r *repair) rebuildWindow(s *decoding, column int64, n int) (ok bool, err error) {
	w := s.window
	if err := w.readParity(r.parity, r.off, column, n); err != nil {
		return false, err
	}
	values := make([][]byte, len(s.erasures))
	for k, i := range s.erasures {
		values[k] = w.shards[i]
		clear(values[k])
	}
	if err := w.encode(); err != nil {
		return false, err
	}
	difference := w.shards[r.params.Shards():]
	addInterleaved(difference, w.stored)
	solver := w.mend().eraser
	solver.prepare(s.erasures)
	return solver.solve(values, difference), nil
}
