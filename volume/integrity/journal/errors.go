package journal

import (
	"errors"
	"fmt"
)

// Sentinels a caller may branch on, with errors.Is.
var (
	// ErrConfig: a parameter out of its range, or one that does not fit the
	// others.
	ErrConfig = errors.New("invalid journal parameters")
	// ErrDamaged: the journal cannot be what its writer left: the kernel loads
	// such a device and then fails everything that is asked of it.
	ErrDamaged = errors.New("damaged journal")
	// ErrUnsupported: a cipher or MAC that this package does not have.
	ErrUnsupported = errors.New("unsupported algorithm")
	// ErrRange: a block that is not aligned, or not on the device.
	ErrRange = errors.New("not a block of the device")
	// ErrClosed: a use after Close.
	ErrClosed = errors.New("journal is closed")
)

// DamagedError says where a journal is damaged. It matches [ErrDamaged].
type DamagedError struct {
	Section uint32
	Sector  int // in the section; -1: the section as a whole
	Reason  string
}

// Error names the place.
func (e *DamagedError) Error() string {
	if e.Sector < 0 {
		return fmt.Sprintf("%v: section %d: %s", ErrDamaged, e.Section, e.Reason)
	}
	return fmt.Sprintf("%v: section %d, sector %d: %s", ErrDamaged, e.Section, e.Sector, e.Reason)
}

// Is matches [ErrDamaged].
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

func badConfig(format string, args ...any) error {
	return fmt.Errorf("journal: %s: %w", fmt.Sprintf(format, args...), ErrConfig)
}
