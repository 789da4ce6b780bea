package volume

import (
	"errors"
	"fmt"
)

// Sentinels a caller may branch on, with errors.Is. Errors of package crypt and
// package verity come through unchanged: a damaged verity block matches
// verity.ErrCorrupt, a wrong key length crypt.ErrKeySize. Use of a closed
// volume matches fs.ErrClosed.
var (
	// ErrUnsupported: the target, or an option of it, has no userspace engine.
	ErrUnsupported = errors.New("not supported in userspace")
	// ErrReadOnly: a write to something that was opened for reading only, or a
	// read-only target (verity) opened for writing.
	ErrReadOnly = errors.New("read-only")
	// ErrUnaligned: an offset or a length that is not a whole number of
	// sectors, or of crypt's encryption sectors.
	ErrUnaligned = errors.New("not aligned")
	// ErrNoKey: a crypt table names a kernel keyring key and nobody gave it.
	ErrNoKey = errors.New("key not given")
	// ErrNoDevice: a device word of a table leads to nothing that can be opened.
	ErrNoDevice = errors.New("no such device")
	// ErrDeviceTooSmall: a table reaches past the end of its backing device.
	ErrDeviceTooSmall = errors.New("device is too small")
	// ErrIO: the error target, which fails every access as the kernel's EIO.
	ErrIO = errors.New("input/output error")
	// ErrPastEnd: a write that reaches past the end; nothing of it is written.
	ErrPastEnd = errors.New("past the end of the device")
	// ErrLoop: devices of a stack that use each other in a circle.
	ErrLoop = errors.New("devices use each other in a circle")
)

// RangeError says which bytes of a device could not be read.
type RangeError struct {
	Offset, Length int64 // bytes from the start of the device
	Err            error // why
}

// Error names the range and the cause.
func (e *RangeError) Error() string {
	cause := e.Err
	if p, ok := cause.(*placeError); ok { // the place is said already
		cause = p.err
	}
	return fmt.Sprintf("volume: %d bytes at offset %d are unreadable: %v", e.Length, e.Offset, cause)
}

// Unwrap returns the cause.
func (e *RangeError) Unwrap() error { return e.Err }

// placeError says where in a volume an engine failed.
type placeError struct {
	doing  string
	at     int64 // byte of the volume
	target string
	err    error
}

func (e *placeError) Error() string {
	return fmt.Sprintf("volume: %s at byte %d (%s): %v", e.doing, e.at, e.target, e.err)
}

func (e *placeError) Unwrap() error { return e.err }
