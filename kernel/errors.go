package kernel

import "errors"

// Sentinels a caller may branch on, with errors.Is. The errno is in the chain too.
var (
	// ErrNotSupported: not Linux, no device-mapper, or a kernel that is too old.
	ErrNotSupported = errors.New("not supported")
	// ErrNotFound: there is no such device.
	ErrNotFound = errors.New("no such device")
	// ErrExists: the name, the UUID or the minor number is taken.
	ErrExists = errors.New("exists already")
	// ErrBusy: the device is open, or a device that a table names is claimed by
	// somebody else.
	ErrBusy = errors.New("in use")
	// ErrPermission: device-mapper wants CAP_SYS_ADMIN in the initial user namespace.
	ErrPermission = errors.New("permission denied")
	// ErrInvalid: a name, a table or a message that this package or the kernel refused.
	ErrInvalid = errors.New("invalid")
	// ErrUdevTimeout: the kernel did what was asked, but udev did not say in time that
	// it had finished.
	ErrUdevTimeout = errors.New("udev did not finish in time")
	// ErrTruncated: the answer to a message did not fit; what fitted is returned too.
	ErrTruncated = errors.New("answer truncated")
)

// Error is what every function of this package returns. It never holds table text.
type Error struct {
	Op   string // "create", "load", …
	Name string // the device as the caller named it; "" when there is none
	Err  error  // cause: wraps a sentinel, an errno, or both
}

// Error gives one line: what, which device, why, and what to do where that is known.
func (e *Error) Error() string {
	if e.Name == "" {
		return "kernel: " + e.Op + ": " + e.Err.Error()
	}
	return "kernel: " + e.Op + " " + e.Name + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
