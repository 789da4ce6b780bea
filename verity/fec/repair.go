package fec

import (
	"context"
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
// share codewords can be repaired, if everything else in them is right, and
// fewer if there is damage elsewhere. With bad (which may be nil) blocks that
// this does not give are tried without knowing where the damage is, and then
// with those that bad says are bad as erasures. A block is written only if bad
// does not say that the result is wrong and if it agrees with the parity,
// unless that leaves no parity to compare with; parts of a block may lack that
// agreement where bad knows the block, which it shows by saying that what is
// stored is bad.
//
// All blocks that share codewords are decoded together, a few times at most.
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
			if b%chunkBits == 0 && ctx.Err() != nil {
				return &Repairs{}, context.Cause(ctx)
			}
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
	for range min(r.params.workers(), bufferBytes/(codewordLen*min(r.params.BlockSize, windowMax))) {
		wg.Go(func() {
			s := r.acquire()
			defer r.pool.Put(s)
			for round, ok := take(); ok && ctx.Err() == nil; round, ok = take() {
				if err := r.round(ctx, s, round); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
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
