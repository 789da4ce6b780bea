package crypt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/internal/hashes"
)

// ErrPlainHash marks a hash of plain mode that is not NAME or NAME:BYTES with a number of
// bytes that the key has. A NAME that no hash has is another error.
var ErrPlainHash = errors.New("bad hash of plain mode")

// PlainHash says how cryptsetup's plain mode, which stores no header, makes a key of a
// passphrase. It only holds what was parsed, and may be used concurrently.
type PlainHash struct {
	algorithm hashes.Algorithm // zero for "plain"
	none      bool             // "plain": no hashing
	filled    int              // bytes of the key that are filled
	size      int              // bytes of the key
}

// plainNoHash is the name of no hash.
const plainNoHash = "plain"

// ParsePlainHash reads what cryptsetup(8) takes as --hash for a key of keySize bytes: the
// name of a hash or "plain" for none, and perhaps, behind a colon, how many bytes of the
// key are filled with it; the rest is zeros. Behind the number cryptsetup takes any letters;
// here they are wrong. Errors wrap [ErrPlainHash] if the text is wrong.
func ParsePlainHash(text string, keySize int) (PlainHash, error) {
	name, number, limited := strings.Cut(text, ":")
	h := PlainHash{none: name == plainNoHash, filled: keySize, size: keySize}
	if limited {
		n, err := strconv.ParseUint(number, 10, 31)
		switch {
		case err != nil:
			return h, fmt.Errorf("crypt: %w %q: %q is no number of bytes", ErrPlainHash, text, number)
		case n > uint64(keySize):
			return h, fmt.Errorf("crypt: %w %q: the key has %d bytes only", ErrPlainHash, text, keySize)
		}
		h.filled = int(n)
	}
	if h.none {
		return h, nil
	}
	var err error
	if h.algorithm, err = hashes.Lookup(name); err != nil {
		return h, fmt.Errorf("crypt: hash of plain mode: %w", err)
	}
	return h, nil
}

// Key derives the key from a passphrase: the digest of the passphrase, then of "A" and the
// passphrase, of "AA" and the passphrase, and so on, cut to size. The hash "plain" takes
// the passphrase itself, filled up with zeros. Found by comparing with keys of real
// mappings. The caller wipes the result, and the passphrase, which stays the caller's.
func (h PlainHash) Key(pass []byte) []byte {
	key := make([]byte, h.size)
	if h.none {
		copy(key[:h.filled], pass)
		return key
	}
	state := h.algorithm.New()
	sum := make([]byte, 0, h.algorithm.Size)
	defer clear(sum[:cap(sum)])
	for done, prefix := 0, 0; done < h.filled; prefix++ {
		state.Reset()
		for range prefix {
			state.Write([]byte{'A'})
		}
		state.Write(pass)
		done += copy(key[done:h.filled], state.Sum(sum[:0]))
	}
	state.Reset()
	return key
}
