package luks

import (
	"errors"
	"fmt"
)

// Sentinels a caller may branch on; every error of this package that concerns one of
// them wraps it.
var (
	// ErrNotLUKS marks bytes that do not begin as any LUKS header does.
	ErrNotLUKS = errors.New("not a LUKS header")

	// ErrHeader marks a LUKS header of which no copy passes validation.
	ErrHeader = errors.New("bad LUKS header")

	// ErrUnsupported marks what the format has and this package does not do; the text
	// names it.
	ErrUnsupported = errors.New("unsupported")

	// ErrWrongKey marks a passphrase that opens no slot that was tried, or a volume key
	// that no digest proves.
	ErrWrongKey = errors.New("wrong passphrase or key")

	// ErrNoKeyslot marks a slot number that is not in use, or a header without slots.
	ErrNoKeyslot = errors.New("no such key slot")

	// ErrCostly marks a key slot that needs more memory or time than is allowed without
	// [UnlockOptions].AllowCostly.
	ErrCostly = errors.New("key slot is too costly")

	// ErrNoData marks a header whose data is not in the image: a header backup, a
	// detached header, or an image that is cut off.
	ErrNoData = errors.New("the data is not there")

	// ErrLocked marks a file whose header another program is working on.
	ErrLocked = errors.New("another program has locked it")

	// ErrReadOnly marks a file that cannot be changed, or was opened for reading.
	ErrReadOnly = errors.New("it may only be read")

	// ErrLastSlot marks a key slot without which no passphrase would open the data.
	ErrLastSlot = errors.New("it is the last key slot that opens the data")

	// ErrChanged marks a header that somebody else changed since it was read.
	ErrChanged = errors.New("the header was changed by another program")
)

// bad makes an ErrHeader.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrHeader, fmt.Errorf(format, args...))
}
