// Package exit has the exit statuses of cryptsetup, veritysetup and integritysetup, the
// errors that carry them, and the line with which --verbose ends.
//
//	return exit.Devicef("Device %s does not exist or access denied.", path) // status 4
//
// It follows the section RETURN CODES of cryptsetup(8); what the tools print was found by
// running version 2.6.1. An error carries the status of dmimg too, for --strict-exit.
package exit

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// Exit statuses of the tools.
const (
	Failed   = 1 // wrong parameters, and anything else
	Mismatch = 2 // a bad passphrase, or the data is not what it should be
	NoMemory = 3
	Device   = 4 // a device or file is missing, or of the wrong kind
	Busy     = 5 // a device exists already, or is in use
)

// Failure is an error with its status.
type Failure struct {
	status int
	strict int
	text   string
}

// New makes an error of a status of the tools, with the status of dmimg ([ui.ExitCode])
// that stands for it. An empty text is an error about which nothing is printed.
func New(status, strict int, text string) *Failure { return &Failure{status, strict, text} }

// Paramf reports a wrong parameter.
func Paramf(format string, args ...any) error {
	return New(Failed, ui.ExitWrongUse, fmt.Sprintf(format, args...))
}

// Failf reports what went wrong for no reason that has a status.
func Failf(format string, args ...any) error {
	return New(Failed, ui.ExitFailed, fmt.Sprintf(format, args...))
}

// Devicef reports a device or file that cannot be used.
func Devicef(format string, args ...any) error {
	return New(Device, ui.ExitFailed, fmt.Sprintf(format, args...))
}

// Error returns the text.
func (f *Failure) Error() string { return f.text }

// Unwrap gives [ui.ExitCode] the status of dmimg.
func (f *Failure) Unwrap() error { return &ui.Error{Code: f.strict, Err: errors.New(f.text)} }

// Status is the status of the tools for err: 0 for nil, [Failed] for one that has none.
func Status(err error) int {
	var f *Failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.status
	default:
		return Failed
	}
}

// Line is what --verbose ends with, on stdout.
func Line(status int) string {
	if status == 0 {
		return "Command successful."
	}
	meaning := map[int]string{
		Failed: "wrong or missing parameters", Mismatch: "no permission or bad passphrase", NoMemory: "out of memory",
		Device: "wrong device or file specified", Busy: "device already exists or device is busy",
	}
	return fmt.Sprintf("Command failed with code -%d (%s).", status, meaning[status])
}

// ErrUsage is what a command line that is not understood is; usage stands above its text.
var ErrUsage = errors.New("wrong usage")

// usageError is an ErrUsage.
type usageError struct{ text string }

// Error returns the text.
func (e usageError) Error() string { return e.text }

// Is matches [ErrUsage].
func (e usageError) Is(target error) bool { return target == ErrUsage }

// Unwrap gives [ui.ExitCode] the status of dmimg.
func (e usageError) Unwrap() error { return ui.Usagef("%s", e.text) }

// Usagef reports a command line that is not understood.
func Usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }
