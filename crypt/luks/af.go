package luks

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"github.com/dmimg/dmimg/internal/hashes"
)

// lookupHash finds a hash that may guard a key: one of at least 128 bits, so that the
// checksums in the list are none.
func lookupHash(name string) (hashes.Algorithm, error) {
	a, err := hashes.Lookup(name)
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if a.Size < 16 {
		return a, fmt.Errorf("hash %s of %d bytes: %w", a.Name, a.Size, ErrUnsupported)
	}
	return a, nil
}

// mergeAF puts together a key that the anti-forensic splitter spread over its stripes
// (LUKS1 specification, section 2.4). split has len(key) bytes for each stripe.
func mergeAF(key, split []byte, a hashes.Algorithm) {
	clear(key)
	n := len(key)
	h, sum := a.New(), newSecret(a.Size)
	defer sum.wipe()
	for ; len(split) > n; split = split[n:] {
		subtle.XORBytes(key, key, split[:n])
		diffuse(key, h, sum.b)
	}
	subtle.XORBytes(key, key, split)
	h.Reset()
}

// splitAF spreads key over split, which has len(key) bytes for each stripe: all but the last
// are random, and mergeAF finds the key only with every bit of them.
func splitAF(split, key []byte, a hashes.Algorithm, random io.Reader) error {
	n := len(key)
	last := split[len(split)-n:]
	if err := fill(random, split[:len(split)-n]); err != nil {
		return err
	}
	clear(last)
	sum := newSecret(n)
	defer sum.wipe()
	mergeAF(sum.b, split, a)
	subtle.XORBytes(last, key, sum.b)
	return nil
}

// diffuse replaces each piece of b that is as long as a digest by the digest of its number
// and itself; the last may be shorter.
func diffuse(b []byte, h hash.Hash, sum []byte) {
	var number [4]byte
	for i := 0; len(b) > 0; i++ {
		n := min(len(b), len(sum))
		binary.BigEndian.PutUint32(number[:], uint32(i))
		h.Reset()
		h.Write(number[:])
		h.Write(b[:n])
		copy(b[:n], h.Sum(sum[:0]))
		b = b[n:]
	}
}
