package crypt

import (
	"errors"
	"fmt"
)

// Sentinels a caller may branch on; every error of this package that concerns
// one of them wraps it.
var (
	// ErrSpec marks a cipher specification that is not of either form the
	// kernel accepts.
	ErrSpec = errors.New("bad cipher specification")

	// ErrUnknownCipher marks a cipher or chaining mode that neither this
	// package nor, as far as it knows, the kernel has.
	ErrUnknownCipher = errors.New("unknown cipher")

	// ErrUnknownIV marks an IV generator that the kernel does not have.
	ErrUnknownIV = errors.New("unknown iv mode")

	// ErrUnsupported marks what the kernel can do and this package cannot.
	ErrUnsupported = errors.New("unsupported")

	// ErrKeySize marks a key, or an ESSIV digest, of a length the cipher does
	// not take. Its text names the lengths that would be right, never the key.
	ErrKeySize = errors.New("wrong key size")

	// ErrSectorSize marks an encryption sector size other than 512, 1024, 2048
	// and 4096 bytes, or one that the IV mode is not defined for.
	ErrSectorSize = errors.New("wrong sector size")

	// ErrUnaligned marks an offset, a length or an IV offset that is not a
	// multiple of the encryption sector.
	ErrUnaligned = errors.New("not aligned to the encryption sector")

	// ErrTagSize marks an integrity option whose bytes do not fit: the mode makes
	// no such tags, or the storage has less room beside each sector.
	ErrTagSize = errors.New("wrong tag size")

	// ErrIntegrity marks a sector that does not authenticate: its data, its tag or
	// its place was changed, it was never written, or the key is another.
	ErrIntegrity = errors.New("sector does not authenticate")

	// ErrClosed marks I/O on a device after its Close.
	ErrClosed = errors.New("device is closed")
)

// IntegrityError is a sector that does not authenticate. It matches
// [ErrIntegrity].
type IntegrityError struct {
	Offset int64 // bytes from the start of the device
	Length int64 // bytes: the encryption sector
}

// Error names the place.
func (e *IntegrityError) Error() string {
	return fmt.Sprintf("crypt: reading %d bytes at offset %d: %v (changed, never written, or another key)", e.Length, e.Offset, ErrIntegrity)
}

// Is reports whether target is [ErrIntegrity].
func (e *IntegrityError) Is(target error) bool { return target == ErrIntegrity }
