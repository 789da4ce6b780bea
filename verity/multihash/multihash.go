// Package multihash hashes many equal blocks at once.
//
// One SHA-256 leaves most of a processor idle, because every round waits for the
// one before. Blocks that do not depend on one another, such as those of a hash
// tree, can be hashed several at a time in the same instruction stream, about
// twice as fast on one core as crypto/sha256:
//
//	h := multihash.NewSHA256(salt, nil)       // H(salt . block)
//	digests := make([]byte, n*h.Size())
//	h.SumBlocks(digests, blocks, 4096)        // n blocks of 4096 bytes
//
// A batch is one synchronous call on the caller's goroutine: nothing is queued,
// started or allocated. The digests are those of FIPS 180-4.
//
// What it does not do: messages of different lengths, and streaming.
package multihash

import (
	"bytes"
	"fmt"
)

// BlockSize is the size in bytes of the blocks SHA-256 works on inside.
const BlockSize = 64

// Size is the length in bytes of a SHA-256 digest.
const Size = 32

// SHA256 hashes messages of the form prefix, block, suffix. It is not changed by
// hashing; its methods may be called concurrently.
type SHA256 struct {
	impl           impl
	prefix, suffix []byte
	state          midstate // after the whole 64-byte blocks of prefix
	head           []byte   // what of prefix comes after those
}

// NewSHA256 returns a hasher with the best implementation for this machine. It
// keeps copies of prefix and suffix, either of which may be empty; a verity tree
// of hash type 1 has its salt as prefix, one of type 0 as suffix.
func NewSHA256(prefix, suffix []byte) *SHA256 {
	return newSHA256(prefix, suffix, available()[0])
}

// NewSHA256Impl is NewSHA256 with the implementation chosen by name, one of
// [Implementations].
func NewSHA256Impl(prefix, suffix []byte, name string) (*SHA256, error) {
	i, err := lookup(name)
	if err != nil {
		return nil, err
	}
	return newSHA256(prefix, suffix, i), nil
}

func newSHA256(prefix, suffix []byte, i impl) *SHA256 {
	h := &SHA256{impl: i, prefix: bytes.Clone(prefix), suffix: bytes.Clone(suffix)}
	whole := len(prefix) / BlockSize * BlockSize
	h.head = h.prefix[whole:]
	h.state = i.midstate(h.prefix[:whole])
	return h
}

// Implementation returns the name of the implementation in use.
func (h *SHA256) Implementation() string { return h.impl.String() }

// Size returns [Size].
func (h *SHA256) Size() int { return Size }

// SumBlocks hashes the len(blocks)/blockSize blocks in blocks, each on its own,
// and writes their digests into dst one after the other. len(blocks) must be a
// multiple of blockSize, a number of bytes above 0, and dst must have room for
// all digests; otherwise it panics. dst and blocks must not overlap.
func (h *SHA256) SumBlocks(dst, blocks []byte, blockSize int) {
	if blockSize <= 0 || len(blocks)%blockSize != 0 || len(blocks)/blockSize > len(dst)/Size {
		panic(fmt.Sprintf("multihash: %d bytes in blocks of %d do not fit digests of %d bytes", len(blocks), blockSize, len(dst)))
	}
	const most = 64 << 10 // bytes in one call of assembly, which cannot be preempted
	step := max(1, most/blockSize) * blockSize
	for len(blocks) > 0 {
		n := min(step, len(blocks))
		h.sumBlocks(dst, blocks[:n], blockSize)
		dst, blocks = dst[n/blockSize*Size:], blocks[n:]
	}
}
