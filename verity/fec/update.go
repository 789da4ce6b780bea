package fec

import (
	"context"
	"io"
)

// Changes is what [Reencode] and [Adjust] are told about a covered stream (see
// [Area.Stream]) in which some blocks have changed since its parity was made. The
// readers are used from several goroutines at once.
type Changes struct {
	// Blocks lists all blocks that have changed, in any order. Listing others
	// costs time only.
	Blocks []Range
	// New is the covered stream as it is now.
	New io.ReaderAt
	// Old is the covered stream as it was, of which the listed blocks are read.
	// Only Adjust needs it.
	Old io.ReaderAt
	// Parity has the old parity, at the offset where the new one goes. Only
	// Adjust needs it.
	Parity io.ReaderAt
}

// worthHoles is how many covered bytes must be read until asking for holes pays: on
// some file systems that costs as much as going through all of the file.
const worthHoles = 64 << 20

// Reencode makes the parity of all codewords that the listed blocks are part of
// anew, from all blocks they have, and writes it to dst, where the parity area
// begins at byte off. A listed block costs reading the Shards-1 other blocks of
// its round too; many blocks of one round cost no more. The result is the parity
// that [Encode] makes, if the parity of all other rounds was right.
//
// It works like Encode, but pieces are written in ascending order, one at a time,
// and Progress is told about the [Params.TouchedBytes] of parity.
func Reencode(ctx context.Context, c Changes, dst io.WriterAt, off int64, p Params) error {
	if err := p.checkArea(off); err != nil {
		return err
	}
	columns, err := p.touchedColumns(c.Blocks)
	if err != nil {
		return err
	}
	workers := p.workers()
	size := min(p.stripSize(workers), longest(columns))
	groups, err := newGroups(p.Roots, size)
	if err != nil {
		return err
	}
	var holes holes
	if p.TouchedBytes(c.Blocks)/int64(p.Roots) >= worthHoles/int64(p.Shards()) {
		if holes, err = findHoles(c.New, p.CoveredBytes()); err != nil {
			return err
		}
	}
	return p.inOrder(ctx, columns, workers, size, dst, off, func() encodeColumns {
		s := newStrip(p, groups, size)
		s.src, s.holes = c.New, holes
		return func(ctx context.Context, column int64, n int) ([]byte, error) {
			err := s.encode(ctx, column, n)
			return s.parity[:n*p.Roots], err
		}
	})
}

// Adjust adds the difference that the listed blocks make to the parity: the code
// is linear, so only those blocks are read, in both versions, and the old parity
// of their codewords. Where that is damaged, the new parity is damaged in the same
// way; nothing notices. It writes to dst, which may be c.Parity, as [Reencode]
// does, and needs less than 24 MiB.
func Adjust(ctx context.Context, c Changes, dst io.WriterAt, off int64, p Params) error {
	if err := p.checkArea(off); err != nil {
		return err
	}
	columns, err := p.touchedColumns(c.Blocks)
	if err != nil {
		return err
	}
	c.Blocks = joined(c.Blocks)
	size := min(p.adjustSize(), longest(columns))
	return p.inOrder(ctx, columns, p.adjusters(), size, dst, off, func() encodeColumns {
		return newAdjuster(c, off, p, size).encode
	})
}

// TouchedBytes is how many bytes of parity belong to rounds that changed blocks
// are in: what [Reencode] and [Adjust] write. It is 0 for blocks that they refuse.
func (p Params) TouchedBytes(changed []Range) int64 {
	columns, err := p.touchedColumns(changed)
	if err != nil {
		return 0
	}
	n := int64(0)
	for _, c := range columns {
		n += c.end - c.start
	}
	return n * int64(p.Roots)
}
