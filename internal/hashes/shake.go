package hashes

import (
	"crypto/sha3"
	"hash"
)

// shake is SHAKE with a fixed output length, which is how OpenSSL 3.0 hands it
// to veritysetup: 16 bytes for SHAKE128, 32 for SHAKE256 (FIPS 202 section
// 6.2). The kernel has no such hash.
type shake struct {
	state  sha3.SHAKE
	reader sha3.SHAKE // Sum squeezes this copy of state
	digest [32]byte
	size   int
}

func newSHAKE128() hash.Hash { return &shake{state: *sha3.NewSHAKE128(), size: 16} }

func newSHAKE256() hash.Hash { return &shake{state: *sha3.NewSHAKE256(), size: 32} }

func (s *shake) Size() int      { return s.size }
func (s *shake) BlockSize() int { return s.state.BlockSize() }
func (s *shake) Reset()         { s.state.Reset() }

func (s *shake) Write(p []byte) (int, error) { return s.state.Write(p) }

func (s *shake) Sum(b []byte) []byte {
	s.reader = s.state
	out := s.digest[:s.size]
	s.reader.Read(out) // never fails
	return append(b, out...)
}
