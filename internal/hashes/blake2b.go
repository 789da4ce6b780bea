package hashes

import (
	"hash"

	"golang.org/x/crypto/blake2b"
)

// newBLAKE2b returns the constructor of unkeyed BLAKE2b with a digest of size
// bytes (RFC 7693). The digest length is part of the parameter block, so the
// short digests are not prefixes of the long one.
func newBLAKE2b(size int) func() hash.Hash {
	return func() hash.Hash {
		h, err := blake2b.New(size, nil)
		if err != nil {
			panic("hashes: internal error: " + err.Error())
		}
		return h
	}
}
