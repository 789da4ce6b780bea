package multihash

import "crypto/sha512"

// sha512Function is SHA-512 of FIPS 180-4, section 6.4.
var sha512Function = &function{
	name: "SHA-512", piece: 128, word: 8, size: sha512.Size, length: 16, new: sha512.New, fast: fastSHA512,
}

// sha384Function is SHA-384 of section 6.5: SHA-512 with another beginning, cut off.
var sha384Function = &function{
	name: "SHA-384", piece: 128, word: 8, size: sha512.Size384, length: 16, new: sha512.New384, fast: fastSHA512,
}

// SHA512 is [SHA256] for SHA-512 and SHA-384. It is not changed by hashing; its
// methods may be called concurrently.
type SHA512 struct{ batch batch }

// NewSHA512 returns a hasher of SHA-512 with the best implementation for this
// machine. It keeps copies of prefix and suffix, either of which may be empty.
func NewSHA512(prefix, suffix []byte) *SHA512 {
	return &SHA512{newBatch(sha512Function, prefix, suffix, sha512Function.available()[0])}
}

// NewSHA512Impl is NewSHA512 with the implementation chosen by name, one of
// [SHA512Implementations].
func NewSHA512Impl(prefix, suffix []byte, name string) (*SHA512, error) {
	i, err := sha512Function.lookup(name)
	if err != nil {
		return nil, err
	}
	return &SHA512{newBatch(sha512Function, prefix, suffix, i)}, nil
}

// NewSHA384 is NewSHA512 for SHA-384, whose digests are 48 bytes long.
func NewSHA384(prefix, suffix []byte) *SHA512 {
	return &SHA512{newBatch(sha384Function, prefix, suffix, sha384Function.available()[0])}
}

// NewSHA384Impl is NewSHA384 with the implementation chosen by name, one of
// [SHA512Implementations].
func NewSHA384Impl(prefix, suffix []byte, name string) (*SHA512, error) {
	i, err := sha384Function.lookup(name)
	if err != nil {
		return nil, err
	}
	return &SHA512{newBatch(sha384Function, prefix, suffix, i)}, nil
}

// SHA512Implementations returns the names of the implementations of SHA-512 and
// SHA-384 that work on this machine, best first. The last is always "generic",
// crypto/sha512 block after block.
func SHA512Implementations() []string { return sha512Function.names() }

// Implementation returns the name of the implementation in use.
func (h *SHA512) Implementation() string { return h.batch.impl.String() }

// Size returns the length of a digest in bytes: 64, of SHA-384 48.
func (h *SHA512) Size() int { return h.batch.f.size }

// SumBlocks hashes the len(blocks)/blockSize blocks in blocks, each on its own,
// and writes their digests into dst one after the other. len(blocks) must be a
// multiple of blockSize, a number of bytes above 0, and dst must have room for
// all digests; otherwise it panics. dst and blocks must not overlap. It allocates
// nothing.
func (h *SHA512) SumBlocks(dst, blocks []byte, blockSize int) { h.batch.sum(dst, blocks, blockSize) }
