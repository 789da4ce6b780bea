// Package hashes is the one list of digest algorithms that dmimg knows by
// name: what a dm-verity or dm-integrity table line, a dm-crypt ESSIV
// specification or a verity superblock may say.
//
// The names are those of the Linux kernel's hash API, plus the other spellings
// that veritysetup 2.6 accepts through OpenSSL 3 (found by asking it; see
// README.md). crypt, crypt/luks, verity and volume/integrity share the list.
//
//	a, err := hashes.Lookup("sha256")
//	if err != nil {
//		return err // errors.Is(err, hashes.ErrUnknown)
//	}
//	h := a.New()
//	h.Write(block)
//	digest := h.Sum(nil) // a.Size bytes
//
// Every hash streams, keeps its state over Sum, and allocates only in New.
// None of them is meant for keyed use by itself: no implementation here
// promises constant time, and Algorithm.Weakness says which are broken. The
// table-driven ones (whirlpool, streebog, and crc32 without hardware help)
// have memory accesses that depend on the data.
//
// Keyed constructions (hmac, blake2 with a key) are not here.
package hashes

import (
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// ErrUnknown is wrapped by the error of [Lookup] for a name that is not in
// the list.
var ErrUnknown = errors.New("unknown hash algorithm")

// maxShownName bounds how much of an unknown name an error repeats, because
// the name may come from a hostile superblock.
const maxShownName = 64

// Algorithm describes one digest algorithm. It is a plain value: copy it
// freely, use it from any number of goroutines.
type Algorithm struct {
	// Name is the kernel's name for the algorithm ("rmd160", "wp512"); for an
	// algorithm that only veritysetup knows (Kernel is false) it is the name
	// OpenSSL prefers, in lower case.
	Name string
	// Size is the length of the digest in bytes.
	Size int
	// BlockSize is the input block in bytes, the one HMAC pads its key to.
	BlockSize int
	// Kernel reports whether the kernel knows Name, so that a table line with
	// it can be loaded.
	Kernel bool
	// Weakness is empty for algorithms without a known practical attack.
	// Otherwise it says in a few words why a digest proves nothing against an
	// attacker.
	Weakness string
	// New returns a fresh hash. The result must not be shared between
	// goroutines without a lock; New itself may be called concurrently.
	New func() hash.Hash

	aliases []string
}

// Aliases returns the other names that mean the same algorithm, in lower
// case. The caller owns the slice.
func (a Algorithm) Aliases() []string { return slices.Clone(a.aliases) }

// Lookup finds an algorithm by one of its names. Case does not matter, as in
// veritysetup, which stores the lower-cased name in the superblock. The error
// for any other name wraps [ErrUnknown] and repeats the name.
func Lookup(name string) (Algorithm, error) {
	lower := strings.ToLower(name)
	for i := range algorithms {
		if a := &algorithms[i]; a.Name == lower || slices.Contains(a.aliases, lower) {
			return *a, nil
		}
	}
	if len(name) > maxShownName {
		name = name[:maxShownName] + "…"
	}
	return Algorithm{}, fmt.Errorf("hashes: looking up %q: %w", name, ErrUnknown)
}

// Names returns the Name of every algorithm, in the order of the list
// (families together, small digests first). The caller owns the slice.
func Names() []string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = a.Name
	}
	return names
}
