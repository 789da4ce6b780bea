package crypt

import "errors"

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

	// ErrClosed marks I/O on a device after its Close.
	ErrClosed = errors.New("device is closed")
)
