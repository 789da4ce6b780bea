package verity

import (
	"fmt"
	"math/bits"
	"runtime"

	"github.com/dmimg/dmimg/internal/hashes"
)

// Limits of the format, as veritysetup 2.6 sets them.
const (
	// MinBlockSize and MaxBlockSize bound both block sizes, in bytes.
	MinBlockSize = 512
	MaxBlockSize = 512 << 10
	// MaxSaltSize is the longest salt, in bytes.
	MaxSaltSize = 256
)

// Params says how a hash tree is made: the fields of a superblock or of a
// verity table line, plus how to work. Functions of this package copy what they
// keep and never change it.
type Params struct {
	// HashType is the format version: 1 is the current one (salt before the
	// block, digests padded to a power of two), 0 the one of Chrome OS (salt
	// after the block, digests packed).
	HashType int
	// Algorithm is the name of the hash, as the kernel or veritysetup spell it.
	Algorithm string
	// DataBlockSize and HashBlockSize are powers of two from [MinBlockSize] to
	// [MaxBlockSize] bytes. They may differ.
	DataBlockSize, HashBlockSize int
	// DataBlocks is the number of data blocks, at least 1. Only [NewWriter]
	// takes 0.
	DataBlocks uint64
	// HashStartBlock is where the tree starts, in hash blocks from the start of
	// the hash device. See [HashStart].
	HashStartBlock uint64
	// Salt is 0 to [MaxSaltSize] bytes.
	Salt []byte
	// Jobs is how many runs of blocks are hashed at the same time. Zero means
	// runtime.GOMAXPROCS(0).
	Jobs int
	// Progress, when not nil, is told how many bytes of data were dealt with
	// since the last call. It is called from several goroutines at once.
	Progress func(bytes int64)
}

// Validate reports the first thing that no hash tree can have. The error wraps
// [ErrBadParams], for an unknown algorithm also [ErrUnknownHash].
func (p Params) Validate() error {
	_, err := NewLayout(p)
	return err
}

// validateFormat checks everything but the number of data blocks and what
// depends on it, and looks the hash up.
func (p Params) validateFormat() (hashes.Algorithm, error) {
	a, err := p.validateHash()
	if err == nil {
		err = validateBlockSize("data", p.DataBlockSize)
	}
	if err == nil {
		err = validateBlockSize("hash", p.HashBlockSize)
	}
	switch {
	case err != nil:
		return a, err
	case p.Jobs < 0:
		return a, badParams("%d jobs", p.Jobs)
	case 2*a.Size > p.HashBlockSize:
		return a, badParams("hash block of %d bytes holds fewer than two digests of %d bytes", p.HashBlockSize, a.Size)
	}
	return a, nil
}

// validateHash checks what says how a block is hashed, and looks the hash up.
func (p Params) validateHash() (hashes.Algorithm, error) {
	if p.HashType != 0 && p.HashType != 1 {
		return hashes.Algorithm{}, badParams("hash type %d: only 0 and 1 exist", p.HashType)
	}
	if len(p.Salt) > MaxSaltSize {
		return hashes.Algorithm{}, badParams("salt of %d bytes: at most %d", len(p.Salt), MaxSaltSize)
	}
	a, err := hashes.Lookup(p.Algorithm)
	if err != nil {
		return a, fmt.Errorf("verity: checking parameters: %w: %w", ErrBadParams, err)
	}
	return a, nil
}

func validateBlockSize(which string, size int) error {
	if size < MinBlockSize || size > MaxBlockSize || bits.OnesCount(uint(size)) != 1 {
		return badParams("%s block size %d bytes: not a power of two from %d to %d", which, size, MinBlockSize, MaxBlockSize)
	}
	return nil
}

// jobs is the number of concurrent hashers, at least 1.
func (p Params) jobs() int {
	if p.Jobs > 0 {
		return p.Jobs
	}
	return runtime.GOMAXPROCS(0)
}

// progress reports n bytes done.
func (p Params) progress(n int64) {
	if p.Progress != nil {
		p.Progress(n)
	}
}
