package fec

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/reedsolomon"
)

// ErrUnrepairable is wrapped by the error about a block with more damage
// around it than the parity can undo.
var ErrUnrepairable = errors.New("too much damage for the parity")

// BadFunc reports that data is certainly not the content of a block of the
// covered stream, usually because its hash differs. It returns false for right
// data and for blocks nothing is known about (behind the tree). It may be
// called from several goroutines at once and must not keep data.
type BadFunc func(block uint64, data []byte) bool

// Decoder recovers blocks of a covered stream from the other blocks and the
// parity. Its methods may be called from several goroutines at once, if the
// readers allow that. It does not close the readers.
type Decoder struct {
	src    io.ReaderAt
	parity io.ReaderAt
	off    int64
	params Params
	coder  reedsolomon.Encoder
	pool   sync.Pool // of *decoding
}

// NewDecoder returns a Decoder for the covered stream src (see [Area.Stream])
// and the parity area at byte off of parity. Errors wrap [ErrBadParams].
func NewDecoder(src, parity io.ReaderAt, off int64, p Params) (*Decoder, error) {
	if err := p.checkArea(off); err != nil {
		return nil, err
	}
	coder, err := newCoder(p.Roots, min(p.BlockSize, windowMax))
	if err != nil {
		return nil, err
	}
	return &Decoder{src: src, parity: parity, off: off, params: p, coder: coder}, nil
}

// decoding is the working memory of one call.
type decoding struct {
	window   *window
	block    []byte
	known    []int // erasures in the whole round
	erasures []int // those and what cannot be read in a window
}

func (d *Decoder) acquire() *decoding {
	if s, ok := d.pool.Get().(*decoding); ok {
		return s
	}
	return &decoding{
		window:   newWindow(d.params, d.coder, min(d.params.BlockSize, windowMax)),
		block:    make([]byte, d.params.BlockSize),
		known:    make([]int, 0, codewordLen),
		erasures: make([]int, 0, codewordLen),
	}
}

// Recover puts the recovered content of one block of the covered stream into
// dst, which has BlockSize bytes; the stored content of the block need not be
// readable. bad may be nil.
//
// It works in the kernel's order: first without knowing where the damage is,
// which undoes damage in up to Roots/2 of the blocks that share the codewords
// (every Rounds-th block), unreadable ones counting half; then, if that fails
// or bad(block, dst) is true, with those that are bad as erasures, at most
// Roots in all. A block that bad knows nothing of comes back as the code says;
// with as many as Roots erasures the code cannot notice further damage.
//
// The error wraps [ErrUnrepairable] if the block cannot be recovered; dst is
// then undefined. Other errors come from reading the parity.
func (d *Decoder) Recover(dst []byte, block uint64, bad BadFunc) error {
	if block >= d.params.Blocks || len(dst) != d.params.BlockSize {
		return badParams("recovering block %d of %d into %d bytes", block, d.params.Blocks, len(dst))
	}
	s := d.acquire()
	defer d.pool.Put(s)
	s.known = s.known[:0]
	ok, err := d.recoverOnce(s, dst, block, bad)
	if err != nil || ok {
		return err
	}
	if bad != nil {
		d.findBad(s, block%d.params.Rounds(), bad)
		ok, err = d.recoverOnce(s, dst, block, bad)
	}
	if err == nil && !ok {
		err = fmt.Errorf("fec: recovering block %d: %w", block, ErrUnrepairable)
	}
	return err
}

// findBad lists the shards whose block in the given round is bad.
func (d *Decoder) findBad(s *decoding, round uint64, bad BadFunc) {
	column := int64(round) * int64(d.params.BlockSize)
	for i, b := 0, round; b < d.params.Blocks; i, b = i+1, b+d.params.Rounds() {
		if _, err := d.params.readShard(d.src, s.block, i, column); err != nil || bad(b, s.block) {
			s.known = append(s.known, i)
		}
	}
}

// recoverOnce decodes the codewords of one block with the erasures in s.known.
// ok is false if one of them cannot be decoded or the result is bad.
func (d *Decoder) recoverOnce(s *decoding, dst []byte, block uint64, bad BadFunc) (ok bool, err error) {
	rounds := d.params.Rounds()
	shard := int(block / rounds)
	column := int64(block%rounds) * int64(d.params.BlockSize)
	for rest := dst; len(rest) > 0; {
		n := min(len(rest), windowMax)
		if !d.load(s, column, n) {
			return false, nil
		}
		if err := s.window.readParity(d.parity, d.off, column, n); err != nil {
			return false, err
		}
		same, err := s.window.compare(n)
		if err != nil {
			return false, err
		}
		if !same && !s.mendAll(column, n) {
			return false, nil
		}
		copy(rest, s.window.shards[shard])
		rest = rest[n:]
		column += int64(n)
	}
	return bad == nil || !bad(block, dst), nil
}

// mendAll corrects all codewords of a window; ok is false if one has too many
// errors.
func (s *decoding) mendAll(column int64, n int) (ok bool) {
	ok = true
	s.window.mend().each(column, n, s.erasures, func(_ int, _ []int, each bool) bool {
		ok = each
		return ok
	})
	return ok
}

// load reads n columns of all message shards and lists in s.erasures the
// known erasures and the shards that cannot be read. ok is false if they are
// more than the code allows.
func (d *Decoder) load(s *decoding, column int64, n int) (ok bool) {
	s.window.cut(n)
	s.erasures = append(s.erasures[:0], s.known...)
	for i, shard := range s.window.shards[:d.params.Shards()] {
		if _, err := d.params.readShard(d.src, shard, i, column); err != nil {
			clear(shard)
			if !slices.Contains(s.known, i) {
				s.erasures = append(s.erasures, i)
			}
		}
	}
	return len(s.erasures) <= d.params.Roots
}
