package fec

import (
	"errors"
	"fmt"
	"math"
)

// The number of parity bytes per codeword that the kernel and veritysetup
// allow.
const (
	MinRoots = 2
	MaxRoots = 24
)

const (
	codewordLen = 255 // bytes of a codeword, message and parity

	minBlockSize = 512
	maxBlockSize = 512 << 10
)

// ErrBadParams is wrapped by every error about impossible [Params], offsets or
// areas.
var ErrBadParams = errors.New("bad parameters")

// Params is the geometry of one parity area. It is a plain value; the methods
// other than Validate assume that Validate accepted it.
type Params struct {
	// Roots is the number of parity bytes per codeword, MinRoots to MaxRoots
	// (veritysetup --fec-roots, table word fec_roots).
	Roots int
	// BlockSize is the size of data and hash blocks in bytes, a power of two
	// from 512 to 524288. FEC needs both to be equal.
	BlockSize int
	// Blocks is the number of blocks covered, not 0 (table word fec_blocks);
	// see [Covered].
	Blocks uint64
	// Jobs is the number of goroutines to use; 0 means GOMAXPROCS.
	Jobs int
	// Progress, if not nil, is called with numbers of covered bytes that are
	// done, from several goroutines at once. The numbers add up to
	// CoveredBytes.
	Progress func(bytes int64)
}

// Validate reports whether p describes a parity area that can exist: the
// limits of the fields, and that every offset in the covered stream and in the
// parity area fits in an int64. Its errors wrap [ErrBadParams].
func (p Params) Validate() error {
	switch {
	case p.Roots < MinRoots || p.Roots > MaxRoots:
		return badParams("%d roots, must be %d to %d", p.Roots, MinRoots, MaxRoots)
	case p.BlockSize < minBlockSize || p.BlockSize > maxBlockSize || p.BlockSize&(p.BlockSize-1) != 0:
		return badParams("block size %d, must be a power of two from %d to %d", p.BlockSize, minBlockSize, maxBlockSize)
	case p.Blocks == 0:
		return badParams("no blocks to cover")
	case p.Blocks > math.MaxInt64/uint64(p.BlockSize)-codewordLen:
		return badParams("%d blocks of %d bytes are too many", p.Blocks, p.BlockSize)
	case p.Jobs < 0:
		return badParams("%d jobs", p.Jobs)
	}
	return nil
}

// Shards is the number of message bytes in a codeword, which is also the
// number of contiguous shards that the covered stream is cut into.
func (p Params) Shards() int { return codewordLen - p.Roots }

// Rounds is the length of a shard in blocks: Blocks / Shards, rounded up.
func (p Params) Rounds() uint64 {
	shards := uint64(p.Shards())
	return p.Blocks/shards + min(1, p.Blocks%shards)
}

// ShardBytes is the length of a shard in bytes, and the number of codewords.
func (p Params) ShardBytes() int64 { return int64(p.Rounds()) * int64(p.BlockSize) }

// CoveredBytes is the length of the covered stream.
func (p Params) CoveredBytes() int64 { return int64(p.Blocks) * int64(p.BlockSize) }

// ParityBytes is the length of the parity area: Roots bytes for each
// codeword, so always a multiple of the block size.
func (p Params) ParityBytes() int64 { return p.ShardBytes() * int64(p.Roots) }

// ParityBlocks is ParityBytes in blocks, what veritysetup prints as
// "FEC blocks"; the table word fec_blocks is [Params].Blocks instead.
func (p Params) ParityBlocks() uint64 { return p.Rounds() * uint64(p.Roots) }

// checkArea checks the place of a parity area that starts at byte off.
func (p Params) checkArea(off int64) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if off < 0 || off > math.MaxInt64-p.ParityBytes() {
		return badParams("parity area of %d bytes at offset %d", p.ParityBytes(), off)
	}
	return nil
}

func badParams(format string, args ...any) error {
	return fmt.Errorf("fec: checking parameters: "+format+": %w", append(args, ErrBadParams)...)
}
