package fec

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// One worker holds a strip: the same columns of all shards, group by group. A
// group of the smaller kind stays in the second cache although it is read in
// pieces as large as system calls like; the larger kind goes by the third. All
// workers together stay near bufferBytes.
const (
	stripMax       = 64 << 10
	narrowStripMax = 128 << 10 // of few roots, up to narrowRoots
	wideStripMax   = 16 << 10  // of all shards at once
	narrowRoots    = 4
)

// stripRows is how many rows a strip has: the shards of a group, their parity,
// the sum of it over the groups, and that as the parity area has it, twice, to
// compare.
func (p Params) stripRows() int {
	if p.Roots > groupShards {
		return codewordLen + 3*p.Roots
	}
	return groupShards + 4*p.Roots
}

// stripSize is the number of columns that a worker handles at once.
func (p Params) stripSize(workers int) int {
	size, most := bufferBytes/p.stripRows()/workers, stripMax
	switch {
	case p.Roots > groupShards:
		most = wideStripMax
	case p.Roots <= narrowRoots:
		most = narrowStripMax
	}
	unit := int64(min(max(p.BlockSize, minBlockSize), windowMin)) // so that pieces are whole blocks
	share := (p.ShardBytes()/unit + int64(workers) - 1) / int64(workers) * unit
	return int(min(int64(min(max(size, windowMin), most))/unit*unit, share))
}

// eachStrip calls do for every strip of columns of src, from several
// goroutines, each with its own buffers. It stops at the first error.
func (p Params) eachStrip(ctx context.Context, src io.ReaderAt, do func(s *strip, column int64, n int) error) error {
	workers := p.workers()
	size := p.stripSize(workers)
	groups, err := newGroups(p.Roots, size)
	if err != nil {
		return err
	}
	holes, err := findHoles(src, p.CoveredBytes())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			s := newStrip(p, groups, size)
			s.src, s.holes = src, holes
			for ctx.Err() == nil {
				column := (next.Add(1) - 1) * int64(size)
				if column >= p.ShardBytes() {
					return
				}
				n := int(min(int64(size), p.ShardBytes()-column))
				err := s.encode(ctx, column, n)
				if err == nil {
					err = do(s, column, n)
				}
				if err != nil {
					cancel(err)
					return
				}
				if p.Progress != nil {
					p.Progress(s.covered)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// strip is the working memory of one goroutine.
type strip struct {
	params  Params
	groups  []group
	src     io.ReaderAt
	holes   holes
	memory  []byte
	rows    [][]byte // of the group at hand, then its parity
	sum     [][]byte // parity of the groups so far; without groups the end of rows
	parity  []byte   // the result as the parity area has it
	stored  []byte   // what the parity area has; nil until it is read
	covered int64    // bytes of the covered stream in the strip
	window  *window  // to locate errors; nil until there are some
}

func newStrip(p Params, groups []group, size int) *strip {
	rows, sum := groups[0].count+p.Roots, 0
	if len(groups) > 1 {
		sum = p.Roots
	}
	return &strip{
		params: p,
		groups: groups,
		memory: make([]byte, (rows+sum)*(size+rowGap)),
		rows:   make([][]byte, rows+sum),
		parity: make([]byte, p.Roots*size),
	}
}

// spare returns the window of the strip, to look closer with.
func (s *strip) spare() (*window, error) {
	if s.window == nil {
		size := int(min(windowMax, s.params.ShardBytes()))
		coder, err := newCoder(s.params.Roots, size)
		if err != nil {
			return nil, err
		}
		s.window = newWindow(s.params, coder, size)
	}
	return s.window, nil
}

// encode reads columns [column, column+n) of all message shards and leaves
// their parity in s.parity.
func (s *strip) encode(ctx context.Context, column int64, n int) error {
	for i := range s.rows {
		s.rows[i] = s.memory[i*(n+rowGap):][:n:n]
	}
	s.sum = s.rows[len(s.rows)-s.params.Roots:]
	s.covered = 0
	empty := true
	for _, g := range s.groups {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		zero, err := s.read(g, column)
		if err != nil {
			return err
		}
		if zero {
			continue
		}
		if err := s.add(g, empty); err != nil {
			return err
		}
		empty = false
	}
	if empty {
		clear(s.parity[:n*s.params.Roots])
		return nil
	}
	interleave(s.parity[:n*s.params.Roots], s.sum)
	return nil
}

// read fills the rows of a group; zero says that the stream has nothing but
// holes there, and then the rows are left as they were.
func (s *strip) read(g group, column int64) (zero bool, err error) {
	zero = true
	for i, row := range s.rows[:g.count] {
		have := s.params.inside(g.first+i, column, len(row))
		s.covered += int64(have)
		if have == 0 || s.holes.cover(s.params.offset(g.first+i, column), int64(have)) {
			if !zero {
				clear(row)
			}
			continue
		}
		if zero {
			for _, before := range s.rows[:i] {
				clear(before)
			}
			zero = false
		}
		if _, err := s.params.readShard(s.src, row, g.first+i, column); err != nil {
			return false, err
		}
	}
	return zero, nil
}

// add adds the parity of a group to the sum, or starts the sum with it.
func (s *strip) add(g group, first bool) error {
	part := s.rows[g.count:][:s.params.Roots]
	if err := g.coder.Encode(s.rows[:g.count+s.params.Roots]); err != nil {
		return fmt.Errorf("fec: encoding: %w", err)
	}
	for j, row := range s.sum {
		if first {
			part[j], s.sum[j] = row, part[j]
		} else {
			subtle.XORBytes(row, row, part[j])
		}
	}
	return nil
}

// offset is where a column of shard i lies in the covered stream.
func (p Params) offset(i int, column int64) int64 { return int64(i)*p.ShardBytes() + column }

// inside is how many of n columns of shard i are inside the covered stream.
func (p Params) inside(i int, column int64, n int) int {
	return int(max(0, min(int64(n), p.CoveredBytes()-p.offset(i, column))))
}
