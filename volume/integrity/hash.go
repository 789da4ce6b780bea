package integrity

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/dmimg/dmimg/internal/hashes"
)

// Algorithm is a kernel algorithm with its key, as a table line names it after
// internal_hash:, journal_mac: or journal_crypt:. The zero value is none. A Key
// is copied by whoever keeps it.
type Algorithm struct {
	Name string // as the kernel's crypto API spells it: "crc32c", "hmac(sha256)"
	Key  []byte
}

// String is the name alone: keys are not printed.
func (a Algorithm) String() string { return a.Name }

// GoString is the name alone.
func (a Algorithm) GoString() string { return a.Name }

// Hash makes the tags of blocks: the internal hash of a device. Its methods may
// be called concurrently, Close last.
type Hash struct {
	size int
	key  []byte
	make func() hash.Hash
	salt []byte // nil: it does not go into the hash
	pool sync.Pool
}

// maxDigest is the largest digest in bytes of the algorithms there are.
const maxDigest = 64

// NewHash finds an algorithm: a hash of the kernel, or hmac( ) of one with a key.
// salt goes before everything that is hashed; it is nil for devices without
// fix_hmac. The error wraps [ErrUnsupported] for an algorithm that is not known,
// [ErrBadParams] for a key that is missing.
func NewHash(a Algorithm, salt []byte) (*Hash, error) {
	name, keyed := strings.CutPrefix(a.Name, "hmac(")
	if keyed {
		inner, closed := strings.CutSuffix(name, ")")
		if !closed {
			return nil, badParams("hash %q: no closing parenthesis", a.Name)
		}
		name = inner
	}
	found, err := hashes.Lookup(name)
	switch {
	case err != nil || !found.Kernel || found.Name != name:
		return nil, fmt.Errorf("integrity: hash %q: the kernel has none, or it is not known here: %w", a.Name, ErrUnsupported)
	case keyed && found.BlockSize < found.Size:
		return nil, fmt.Errorf("integrity: hash %q: %q is no cryptographic hash: %w", a.Name, name, ErrUnsupported)
	case keyed && len(a.Key) == 0:
		return nil, badParams("hash %q: its key is missing", a.Name)
	case !keyed && len(a.Key) != 0:
		return nil, fmt.Errorf("integrity: hash %q with a key: %w", a.Name, ErrUnsupported)
	}
	h := &Hash{size: found.Size, make: found.New, salt: append([]byte(nil), salt...)}
	if keyed {
		h.key = append([]byte(nil), a.Key...)
		h.make = func() hash.Hash { return hmac.New(found.New, h.key) }
	}
	h.pool.New = func() any { return &state{hash: h.make()} }
	return h, nil
}

// state is what hashing a block takes.
type state struct {
	hash   hash.Hash
	sector [8]byte
	sum    [maxDigest]byte
}

// Size is that of the digest in bytes: the tag size if none is given.
func (h *Hash) Size() int { return h.size }

// Keyed says whether it needs a key, so that a tag proves who made it.
func (h *Hash) Keyed() bool { return h.key != nil }

// Tags makes the tags of whole blocks, the first of which has this sector:
// the digest of salt, sector number and block, cut or filled with zeros.
func (h *Hash) Tags(tags, blocks []byte, sector uint64, blockSize int) {
	s := h.pool.Get().(*state)
	defer h.pool.Put(s)
	size := len(tags) / (len(blocks) / blockSize)
	for len(blocks) > 0 {
		h.tag(s, tags[:size], blocks[:blockSize], sector)
		tags, blocks, sector = tags[size:], blocks[blockSize:], sector+uint64(blockSize/SectorSize)
	}
}

// tag makes one tag.
func (h *Hash) tag(s *state, tag, block []byte, sector uint64) {
	n := copy(tag, h.digest(s, block, sector))
	clear(tag[n:])
}

func (h *Hash) digest(s *state, block []byte, sector uint64) []byte {
	s.hash.Reset()
	s.hash.Write(h.salt)
	binary.LittleEndian.PutUint64(s.sector[:], sector)
	s.hash.Write(s.sector[:])
	s.hash.Write(block)
	return s.hash.Sum(s.sum[:0])
}

// Fits says whether a block, whose first sector is given, has this tag.
func (h *Hash) Fits(block, tag []byte, sector uint64) bool {
	s := h.pool.Get().(*state)
	defer h.pool.Put(s)
	return h.fits(s, block, tag, sector)
}

func (h *Hash) fits(s *state, block, tag []byte, sector uint64) bool {
	sum := h.digest(s, block, sector)
	n := min(len(sum), len(tag))
	if subtle.ConstantTimeCompare(sum[:n], tag[:n]) == 0 {
		return false
	}
	for _, b := range tag[n:] {
		if b != 0 {
			return false
		}
	}
	return true
}

// Close wipes the key. Hashes that were made of it keep what they derived.
func (h *Hash) Close() {
	clear(h.key)
	clear(h.salt)
	h.pool = sync.Pool{}
}
