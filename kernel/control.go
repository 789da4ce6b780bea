package kernel

import (
	"time"
)

// Control is a client of device-mapper: one open control device. Its methods may be
// called concurrently. Close it when done.
//
// Methods take a [Ref] for the device and return [*Error]. Those that can block take
// a context; when it ends they give up, and a call into the kernel that is under way
// is interrupted.
type Control struct {
	options   Options
	transport Transport
	version   Version
}

// Options of a [Control]. The zero value is right for most programs.
type Options struct {
	// Path of the control device; "": /dev/mapper/control, made if it is missing.
	Path string
	// Dir is where nodes of devices are; "": /dev/mapper.
	Dir string
	// Udev says whether to synchronise with udev; the zero value finds out.
	Udev UdevSync
	// UdevTimeout bounds the wait for udev; 0: three minutes, udev's own limit for an
	// event; negative: no bound. The context of a call bounds it too.
	UdevTimeout time.Duration
	// Mangling of names and UUIDs; the zero value is that of dmsetup.
	Mangling Mangling
	// System does the system calls; nil: [Machine]. Tests put a fake one here.
	System System
}

// OpenControl opens the control device with the zero [Options].
func OpenControl() (*Control, error) { return Open(Options{}) }

// Open opens the control device and asks the kernel for its version. [ErrNotSupported]
// when there is no device-mapper, [ErrPermission] without CAP_SYS_ADMIN.
func Open(o Options) (*Control, error) {
	return nil, &Error{Op: "open", Err: ErrNotSupported}
}

// Close closes the control device. Calls under way in other goroutines are
// interrupted where they can be, and waited for otherwise.
func (c *Control) Close() error { return nil }

// Version is the version of the kernel's device-mapper interface, as it was when the
// control device was opened.
func (c *Control) Version() Version { return c.version }
