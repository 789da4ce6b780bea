package fec

import (
	"context"
	"crypto/subtle"
	"fmt"
	"runtime"
	"sort"

	"github.com/klauspost/reedsolomon"
)

const (
	// adjustRows bounds the parity rows of one adjuster, which should stay in the
	// second cache, and adjustBudget all adjusters together.
	adjustRows   = 384 << 10
	adjustBudget = 16 << 20
)

// adjustSize is the number of columns that an adjuster handles at once.
func (p Params) adjustSize() int {
	return min(max(adjustRows/p.Roots, 4<<10), 64<<10) &^ (minBlockSize - 1)
}

// adjusters is the number of goroutines.
func (p Params) adjusters() int {
	n := p.Jobs
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, adjustBudget/(p.adjustSize()*(3*p.Roots+2)))
}

// adjuster computes new parity from the old one and from what has changed. It
// belongs to one goroutine.
type adjuster struct {
	Changes // its blocks are sorted and apart

	params   Params
	off      int64
	matrix   [][]byte
	memory   []byte
	rows     [][]byte // difference of the parity, by parity shard
	now, was []byte   // of one piece
	parity   []byte   // the difference as the parity area has it, then the result
	stored   []byte   // what the parity area has
}

func newAdjuster(c Changes, off int64, p Params, size int) *adjuster {
	return &adjuster{
		Changes: c, params: p, off: off,
		matrix: galois().parityMatrix(p.Roots),
		memory: make([]byte, p.Roots*(size+rowGap)),
		rows:   make([][]byte, p.Roots),
		now:    make([]byte, size),
		was:    make([]byte, size),
		parity: make([]byte, p.Roots*size),
		stored: make([]byte, p.Roots*size),
	}
}

// encode is an encodeColumns.
func (a *adjuster) encode(_ context.Context, column int64, n int) ([]byte, error) {
	for j := range a.rows {
		a.rows[j] = a.memory[j*(n+rowGap):][:n:n]
		clear(a.rows[j])
	}
	if err := a.addPieces(column, n); err != nil {
		return nil, err
	}
	parity, stored := a.parity[:n*a.params.Roots], a.stored[:n*a.params.Roots]
	interleave(parity, a.rows)
	at := a.off + column*int64(a.params.Roots)
	if got, err := a.Parity.ReadAt(stored, at); got < len(stored) {
		return nil, fmt.Errorf("fec: reading %d bytes of parity at offset %d: %w", len(stored), at, earlyEnd(err))
	}
	subtle.XORBytes(parity, parity, stored)
	return parity, nil
}

// addPieces finds what has changed in columns [column, column+n), shard by shard,
// and adds its parity to the rows.
func (a *adjuster) addPieces(column int64, n int) error {
	size, rounds := uint64(a.params.BlockSize), a.params.Rounds()
	first, last := uint64(column)/size, uint64(column+int64(n)-1)/size // rounds
	for block := first; ; {
		i := sort.Search(len(a.Blocks), func(i int) bool { return a.Blocks[i].Last >= block })
		if i == len(a.Blocks) {
			return nil
		}
		block = max(block, a.Blocks[i].First)
		shard, round := block/rounds, block%rounds
		if round < first {
			block = shard*rounds + first
			continue
		}
		end := last
		if round <= last {
			end = min(last, round+a.Blocks[i].Last-block)
			begin := max(column, int64(round*size))
			length := min(column+int64(n), int64((end+1)*size)) - begin
			if err := a.add(int(shard), begin, int(length), int(begin-column)); err != nil {
				return err
			}
		}
		if block = shard*rounds + end + 1; end == last {
			block = (shard+1)*rounds + first
		}
	}
}

// add adds the difference of n columns of a shard, of which the first is column
// at of the rows.
func (a *adjuster) add(shard int, column int64, n, at int) error {
	now, was := a.now[:n], a.was[:n]
	if _, err := a.params.readShard(a.New, now, shard, column); err != nil {
		return err
	}
	if _, err := a.params.readShard(a.Old, was, shard, column); err != nil {
		return fmt.Errorf("fec: old version: %w", err)
	}
	if subtle.XORBytes(now, now, was); allZero(now) {
		return nil
	}
	var bulk reedsolomon.LowLevel
	for j, row := range a.rows {
		bulk.GalMulSliceXor(a.matrix[j][shard], now, row[at:at+n])
	}
	return nil
}
