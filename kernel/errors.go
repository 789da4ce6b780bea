package kernel

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// Sentinels a caller may branch on, with errors.Is. The errno is in the chain too.
var (
	// ErrNotSupported: not Linux, no device-mapper, or a kernel that is too old.
	ErrNotSupported = errors.New("not supported")
	// ErrNotFound: there is no such device, cookie or target.
	ErrNotFound = errors.New("not found")
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
	// ErrTruncated: the answer to a message did not fit, and is lost.
	ErrTruncated = errors.New("the answer does not fit")
)

// Error is what every function of this package returns. It never holds table text. Use of
// a closed control device matches fs.ErrClosed.
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
	return "kernel: " + e.Op + " " + showName(e.Name) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// showName quotes a name that would not stand on a line by itself.
func showName(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` || name == "" {
		return q
	}
	return name
}

// classify is the sentinel of an errno; nil when there is none.
func classify(err error) error {
	for _, m := range []struct {
		errno syscall.Errno
		kind  error
	}{
		{syscall.ENXIO, ErrNotFound},
		{syscall.EBUSY, ErrBusy},
		{syscall.EINVAL, ErrInvalid},
		{syscall.EACCES, ErrPermission},
		{syscall.EPERM, ErrPermission},
		{syscall.ENOTTY, ErrNotSupported},
		{syscall.ENOSYS, ErrNotSupported},
	} {
		if errors.Is(err, m.errno) {
			return m.kind
		}
	}
	return nil
}

// explain makes an [*Error] of what a call returned.
func (c *Control) explain(k call, err error) error {
	return wrap(k.op, k.name(), k.kindOf(err), err)
}

// name is the device of a call as people know it.
func (k call) name() string {
	if k.ref.by == byNothing {
		return k.header.Name
	}
	return k.ref.String()
}

// kindOf is the sentinel of what a command returned.
func (k call) kindOf(err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return nil
	}
	kind := classify(errno)
	switch {
	case kind == ErrBusy && (k.command == dmioctl.CmdCreate || k.command == dmioctl.CmdRename):
		return ErrExists
	case errno == syscall.ENXIO && k.command == dmioctl.CmdCreate: // of a minor number that is taken
		return ErrExists
	case kind == ErrInvalid && k.command == dmioctl.CmdTargetVersion:
		return ErrNotFound
	}
	return kind
}

// hintFor says where to look further, after an errno that says little.
func hintFor(op string, err error) string {
	switch {
	case errors.Is(err, syscall.EINVAL) && (op == "load" || op == "message"):
		return " (the kernel log may say why)"
	case op == "load" && (errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENOTBLK)):
		return " (a device that the table names)"
	case errors.Is(err, syscall.EACCES):
		return " (device-mapper needs root: CAP_SYS_ADMIN in the initial user namespace)"
	}
	return ""
}

// wrap makes an [*Error]; kind may be nil. An [*Error] stays as it is.
func wrap(op, name string, kind, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	if hint := hintFor(op, err); hint != "" {
		err = fmt.Errorf("%w%s", err, hint)
	}
	if kind != nil && !errors.Is(err, kind) {
		err = fmt.Errorf("%w: %w", kind, err)
	}
	return &Error{Op: op, Name: name, Err: err}
}

// isEnd reports whether err is that of a context.
func isEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
