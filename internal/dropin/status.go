package dropin

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// Exit statuses of the tools.
const (
	statusFailed   = 1 // wrong parameters, and anything else
	statusMismatch = 2 // the data is not what it should be
	statusDevice   = 4 // a device or file is missing, or of the wrong kind
	statusBusy     = 5 // a device exists already, or is in use
)

// failure is an error with its status in the tools' numbers.
type failure struct {
	status int
	strict int // the status of dmimg, see [ui.ExitCode]
	text   string
}

// Error returns the text.
func (f *failure) Error() string { return f.text }

// Unwrap gives [ui.ExitCode] the status of dmimg.
func (f *failure) Unwrap() error { return &ui.Error{Code: f.strict, Err: errors.New(f.text)} }

// paramf reports a wrong parameter.
func paramf(format string, args ...any) error {
	return &failure{statusFailed, ui.ExitWrongUse, fmt.Sprintf(format, args...)}
}

// deviceError reports a device that cannot be used.
func deviceError(path, what string) error {
	return &failure{statusDevice, ui.ExitFailed, fmt.Sprintf("Device %s %s.", path, what)}
}

// errUsage is what a command line that is not understood is.
var errUsage = errors.New("wrong usage")

// usageError is printed under the usage of the tool.
type usageError struct{ text string }

// Error returns the text.
func (e usageError) Error() string { return e.text }

// Is matches [errUsage].
func (e usageError) Is(target error) bool { return target == errUsage }

// Unwrap gives [ui.ExitCode] the status of dmimg.
func (e usageError) Unwrap() error { return ui.Usagef("%s", e.text) }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// parse reads the command line of a tool.
func parse(options []popt.Option, args []string) (*popt.Line, error) {
	c, err := popt.Parse(options, args)
	if err != nil {
		return nil, usageError{err.Error()}
	}
	return c, nil
}

// exitStatus is the status of the tools for err.
func exitStatus(err error) int {
	var f *failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.status
	default:
		return statusFailed
	}
}

// statusLine is what --verbose ends with, on stdout.
func statusLine(status int) string {
	meaning := map[int]string{
		statusFailed: "wrong or missing parameters", statusMismatch: "no permission or bad passphrase",
		statusDevice: "wrong device or file specified", statusBusy: "device already exists or device is busy",
	}
	if status == 0 {
		return "Command successful."
	}
	return fmt.Sprintf("Command failed with code -%d (%s).", status, meaning[status])
}
