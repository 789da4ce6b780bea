package multihash

import "crypto/sha256"

// sha256Function is SHA-256 of FIPS 180-4, section 6.2.
var sha256Function = &function{
	name: "SHA-256", piece: 64, word: 4, size: sha256.Size, length: 8, new: sha256.New, fast: fastSHA256,
}

// SHA256 hashes messages of the form prefix, block, suffix. It is not changed by
// hashing; its methods may be called concurrently.
type SHA256 struct{ batch batch }

// NewSHA256 returns a hasher with the best implementation for this machine. It
// keeps copies of prefix and suffix, either of which may be empty; a verity tree
// of hash type 1 has its salt as prefix, one of type 0 as suffix.
func NewSHA256(prefix, suffix []byte) *SHA256 {
	return &SHA256{newBatch(sha256Function, prefix, suffix, sha256Function.available()[0])}
}

// NewSHA256Impl is NewSHA256 with the implementation chosen by name, one of
// [Implementations]. Blocks that are too few for it are left to those that
// come after it in that list.
func NewSHA256Impl(prefix, suffix []byte, name string) (*SHA256, error) {
	i, err := sha256Function.lookup(name)
	if err != nil {
		return nil, err
	}
	return &SHA256{newBatch(sha256Function, prefix, suffix, i)}, nil
}

// Implementations returns the names of the implementations of SHA-256 that
// work on this machine, best first by a fixed rule for each kind of processor.
// The last is always "generic", crypto/sha256 block after block.
func Implementations() []string { return sha256Function.names() }

// Implementation returns the name of the implementation in use.
func (h *SHA256) Implementation() string { return h.batch.impl.String() }

// Size returns the length of a digest in bytes, 32.
func (h *SHA256) Size() int { return h.batch.f.size }

// SumBlocks hashes the len(blocks)/blockSize blocks in blocks, each on its own,
// and writes their digests into dst one after the other. len(blocks) must be a
// multiple of blockSize, a number of bytes above 0, and dst must have room for
// all digests; otherwise it panics. dst and blocks must not overlap. It allocates
// nothing.
func (h *SHA256) SumBlocks(dst, blocks []byte, blockSize int) { h.batch.sum(dst, blocks, blockSize) }
