package integrity

import (
	"errors"
	"fmt"
)

// Sentinels a caller may branch on, with errors.Is.
var (
	// ErrNotIntegrity: there is no integrity superblock where one was looked for.
	ErrNotIntegrity = errors.New("not an integrity device")
	// ErrBadSuperblock: the superblock's fields cannot be right, or its MAC is wrong.
	ErrBadSuperblock = errors.New("bad integrity superblock")
	// ErrBadParams: wrong use; a parameter out of its range, or one that does not
	// fit the superblock.
	ErrBadParams = errors.New("invalid integrity parameters")
	// ErrTooSmall: the device cannot hold what its superblock or its user says.
	ErrTooSmall = errors.New("device is too small")
	// ErrCorrupt: a block does not fit its tag. The error is a [*CorruptError].
	ErrCorrupt = errors.New("integrity check failed")
	// ErrUnsupported: something that cannot be done without the kernel.
	ErrUnsupported = errors.New("not supported in userspace")
	// ErrJournal: the journal is damaged. As in the kernel, nothing of the device
	// can then be read.
	ErrJournal = errors.New("damaged journal")
	// ErrReadOnly: a write to a device that was opened for reading, or in recovery mode.
	ErrReadOnly = errors.New("read-only")
	// ErrUnaligned: an offset or a length that is not a whole number of blocks.
	ErrUnaligned = errors.New("not aligned")
)

// CorruptError says which block does not fit its tag. It matches [ErrCorrupt].
type CorruptError struct {
	Offset, Length int64 // bytes from the start of the device's data
}

// Error names the place.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("integrity: block of %d bytes at offset %d: %v", e.Length, e.Offset, ErrCorrupt)
}

// Is matches [ErrCorrupt].
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

func badSuperblock(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadSuperblock, fmt.Sprintf(format, args...))
}

func badParams(format string, args ...any) error {
	return fmt.Errorf("integrity: %s: %w", fmt.Sprintf(format, args...), ErrBadParams)
}
