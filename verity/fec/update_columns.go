package fec

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
)

// encodeColumns makes the parity of n columns of all shards, as the parity area
// has it. The result is valid until the next call.
type encodeColumns func(ctx context.Context, column int64, n int) ([]byte, error)

// touchedColumns lists the columns of the rounds that blocks are in, in order and
// apart.
func (p Params) touchedColumns(blocks []Range) ([]extent, error) {
	for _, r := range blocks {
		if r.First > r.Last || r.Last >= p.Blocks {
			return nil, badParams("changed blocks %d to %d of %d", r.First, r.Last, p.Blocks)
		}
	}
	n, size := p.Rounds(), int64(p.BlockSize)
	var rounds []Range
	for _, r := range blocks {
		first, last := r.First%n, r.Last%n
		switch {
		case r.Last-r.First >= n-1:
			return []extent{{0, p.ShardBytes()}}, nil
		case first <= last:
			rounds = append(rounds, Range{first, last})
		default:
			rounds = append(rounds, Range{0, last}, Range{first, n - 1})
		}
	}
	var columns []extent
	for _, r := range joined(rounds) {
		columns = append(columns, extent{int64(r.First) * size, int64(r.Last+1) * size})
	}
	return columns, nil
}

// joined returns ranges sorted, with those joined that overlap or touch.
func joined(ranges []Range) []Range {
	list := slices.Clone(ranges)
	slices.SortFunc(list, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	n := 0
	for _, r := range list {
		if n > 0 && r.First <= list[n-1].Last+1 {
			list[n-1].Last = max(list[n-1].Last, r.Last)
			continue
		}
		list[n] = r
		n++
	}
	return list[:n]
}

// longest is the length of the longest run of columns, at most that of any
// buffer.
func longest(columns []extent) int {
	n := int64(0)
	for _, c := range columns {
		n = max(n, c.end-c.start)
	}
	return int(min(n, math.MaxInt32))
}

// inOrder makes the parity of columns, size of them at a time, in several
// goroutines that each have an encoder of their own, and writes it in order. It
// stops at the first error.
func (p Params) inOrder(ctx context.Context, columns []extent, workers, size int, dst io.WriterAt, off int64, encoder func() encodeColumns) error {
	if len(columns) == 0 {
		return ctx.Err()
	}
	pieces := int64(0)
	for _, c := range columns {
		pieces += (c.end-c.start-1)/int64(size) + 1
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := newColumnQueue(columns, size)
	var wg sync.WaitGroup
	for range min(int64(workers), pieces) {
		wg.Go(func() {
			if err := p.work(ctx, q, dst, off, encoder()); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// work encodes pieces until there are no more.
func (p Params) work(ctx context.Context, q *columnQueue, dst io.WriterAt, off int64, encode encodeColumns) error {
	for ctx.Err() == nil {
		c, ok := q.next()
		if !ok {
			return nil
		}
		out, err := encode(ctx, c.column, c.n)
		if err != nil {
			return err
		}
		select {
		case <-c.before:
		case <-ctx.Done():
			return nil
		}
		at := off + c.column*int64(p.Roots)
		if _, err := dst.WriteAt(out, at); err != nil {
			return fmt.Errorf("fec: writing %d bytes of parity at offset %d: %w", len(out), at, err)
		}
		close(c.written)
		if p.Progress != nil {
			p.Progress(int64(len(out)))
		}
	}
	return nil
}

// columnQueue hands out columns in pieces.
type columnQueue struct {
	size int

	mu   sync.Mutex
	rest []extent
	turn chan struct{} // closed when all pieces handed out so far are written
}

// columnPiece is n columns. Their parity may be written once before is closed,
// and then written must be closed.
type columnPiece struct {
	column          int64
	n               int
	before, written chan struct{}
}

func newColumnQueue(columns []extent, size int) *columnQueue {
	turn := make(chan struct{})
	close(turn)
	return &columnQueue{size: size, rest: slices.Clone(columns), turn: turn}
}

// next returns the next piece; ok is false when there is none.
func (q *columnQueue) next() (c columnPiece, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.rest) == 0 {
		return c, false
	}
	first := &q.rest[0]
	c = columnPiece{column: first.start, n: int(min(first.end-first.start, int64(q.size)))}
	if first.start += int64(c.n); first.start == first.end {
		q.rest = q.rest[1:]
	}
	c.before, q.turn = q.turn, make(chan struct{})
	c.written = q.turn
	return c, true
}
