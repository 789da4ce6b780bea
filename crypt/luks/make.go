package luks

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
)

// Sentinels of making and changing headers; every error that concerns one of them wraps it.
var (
	// ErrOption marks what was asked for and cannot be, such as a key size that the
	// cipher does not take; the text says what would be right.
	ErrOption = errors.New("not possible")

	// ErrNoRoom marks a device that is too small for what shall be on it, or a header
	// without room for another key slot.
	ErrNoRoom = errors.New("no room")

	// ErrSlotInUse marks a key slot that holds a key already.
	ErrSlotInUse = errors.New("key slot is in use")
)

// option makes an ErrOption.
func option(format string, args ...any) error {
	return fmt.Errorf("%w: %w", fmt.Errorf(format, args...), ErrOption)
}

// randomness is r, or the system's.
func randomness(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}

// fill fills b with random bytes.
func fill(r io.Reader, b []byte) error {
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("reading random bytes: %w", err)
	}
	return nil
}

// salted returns n random bytes.
func salted(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, fill(r, b)
}

// roundUp is n or the next multiple of unit.
func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
