package activate

import (
	"encoding/hex"
	"errors"
	"fmt"
)

var (
	// ErrMismatch: a device of that name is there already and is not the one asked for.
	// The error is a [*MismatchError].
	ErrMismatch = errors.New("another device has the name")
	// ErrCorrupt: the device is there and does not verify.
	ErrCorrupt = errors.New("corrupted")
	// ErrSignature: the kernel does not accept the signature of the root hash.
	ErrSignature = errors.New("root hash signature")
)

// MismatchError tells how a device that has the name differs from the one asked for.
type MismatchError struct {
	Name  string
	Found []byte // its root hash; nil when it is no verity device, or none is asked for
	Want  []byte // the root hash asked for; nil for LUKS volumes
	What  string // what differs, for people
}

// Error names both root hashes when they differ.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%v: %s: remove it first, or take another name", ErrMismatch, e.What)
}

// Is matches [ErrMismatch].
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }

// differentRoots is the MismatchError of root hashes that differ.
func differentRoots(name string, found, want []byte) *MismatchError {
	return &MismatchError{name, found, want, fmt.Sprintf("its root hash is %s, that asked for is %s", hex.EncodeToString(found), hex.EncodeToString(want))}
}
