package verity

import (
	"bytes"
	"fmt"
	"hash"

	"github.com/dmimg/dmimg/verity/multihash"
)

// BatchHasher hashes many equal blocks in one call, each with the salt of the
// tree. It keeps state: use one per goroutine.
type BatchHasher interface {
	// Size is the length of one digest in bytes.
	Size() int
	// SumBlocks hashes the len(blocks)/blockSize blocks in blocks and puts their
	// digests into dst one after the other. len(blocks) must be a multiple of
	// blockSize and dst must hold all digests, otherwise it panics. dst and
	// blocks must not overlap. It allocates nothing.
	SumBlocks(dst, blocks []byte, blockSize int)
}

// NewHasher returns a hasher for the algorithm, salt and hash type of p; the
// other fields do not matter. The error wraps [ErrBadParams], for an unknown
// algorithm also [ErrUnknownHash].
func NewHasher(p Params) (BatchHasher, error) {
	a, err := p.validateHash()
	if err != nil {
		return nil, err
	}
	before, after := p.Salt, []byte(nil)
	if p.HashType == 0 {
		before, after = nil, p.Salt
	}
	switch a.Name {
	case "sha256":
		return multihash.NewSHA256(before, after), nil
	case "sha384":
		return multihash.NewSHA384(before, after), nil
	case "sha512":
		return multihash.NewSHA512(before, after), nil
	}
	s := serialHasher{hash: a.New(), size: a.Size, salt: bytes.Clone(p.Salt)}
	if p.HashType == 0 {
		return &saltLastHasher{s}, nil
	}
	return &saltFirstHasher{s}, nil
}

// serialHasher is what the hashers that do one block after the other share.
type serialHasher struct {
	hash hash.Hash
	size int
	salt []byte
}

// Size implements BatchHasher.
func (s *serialHasher) Size() int { return s.size }

// checkBatch panics unless dst has room for the digests of whole blocks.
func (s *serialHasher) checkBatch(dst, blocks []byte, blockSize int) {
	if blockSize <= 0 || len(blocks)%blockSize != 0 || len(blocks)/blockSize > len(dst)/s.size {
		panic(fmt.Sprintf("verity: internal error: hashing %d bytes in blocks of %d into %d bytes", len(blocks), blockSize, len(dst)))
	}
}

// saltFirstHasher is hash type 1: H(salt . block).
type saltFirstHasher struct{ serialHasher }

// SumBlocks implements BatchHasher.
func (s *saltFirstHasher) SumBlocks(dst, blocks []byte, blockSize int) {
	s.checkBatch(dst, blocks, blockSize)
	for len(blocks) > 0 {
		s.hash.Reset()
		if len(s.salt) > 0 {
			s.hash.Write(s.salt)
		}
		s.hash.Write(blocks[:blockSize])
		s.hash.Sum(dst[:0])
		dst, blocks = dst[s.size:], blocks[blockSize:]
	}
}

// saltLastHasher is hash type 0: H(block . salt).
type saltLastHasher struct{ serialHasher }

// SumBlocks implements BatchHasher.
func (s *saltLastHasher) SumBlocks(dst, blocks []byte, blockSize int) {
	s.checkBatch(dst, blocks, blockSize)
	for len(blocks) > 0 {
		s.hash.Reset()
		s.hash.Write(blocks[:blockSize])
		if len(s.salt) > 0 {
			s.hash.Write(s.salt)
		}
		s.hash.Sum(dst[:0])
		dst, blocks = dst[s.size:], blocks[blockSize:]
	}
}
