package dmsetup

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
)

// errFailed is a failure of which everything was said.
var errFailed = errors.New("")

// failf is what a verb answers when it cannot do its work.
func failf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// commandLineError is a command line that cannot be read.
type commandLineError struct{ text string }

// Error returns the text.
func (e commandLineError) Error() string { return e.text }

func lineError(format string, args ...any) error {
	return commandLineError{fmt.Sprintf(format, args...)}
}

// reportError is a report that cannot be made as -o, -O or -S want it.
type reportError struct{ text string }

// Error returns the text.
func (e reportError) Error() string { return e.text }

func reportf(format string, args ...any) error { return reportError{fmt.Sprintf(format, args...)} }

// usageError is a command line that calls for the usage.
type usageError struct{ text string }

// Error returns the text.
func (e usageError) Error() string { return e.text }

var (
	errUnknownCommand = usageError{"Unknown command."}
	errArguments      = usageError{"Incorrect number of arguments."}
)

// ioctlError reports a call that the kernel refused, by the name that dmsetup has for it.
func ioctlError(call string, d device, err error) error {
	return failf("device-mapper: %s ioctl on %s %s%s failed: %s", call, d.name, d.uuid, d.number(), strerror(err))
}

// strerror is what the C library says of err. Errors that come without a number have the
// one that the kernel would have given.
func strerror(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		errno = numberOf(err)
	}
	if errno == 0 {
		return err.Error()
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// numberOf is the error number of a sentinel, 0 if there is none.
func numberOf(err error) syscall.Errno {
	for _, m := range []struct {
		kind  error
		errno syscall.Errno
	}{
		{kernel.ErrNotFound, syscall.ENXIO},
		{kernel.ErrExists, syscall.EBUSY},
		{kernel.ErrBusy, syscall.EBUSY},
		{kernel.ErrPermission, syscall.EACCES},
		{kernel.ErrInvalid, syscall.EINVAL},
	} {
		if errors.Is(err, m.kind) {
			return m.errno
		}
	}
	return 0
}

// errTooLong is a table that does not fit 2^64 bytes.
var errTooLong error = syscall.EINVAL
