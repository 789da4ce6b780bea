package cryptsetup

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// device is an open device, or the file of a detached header, with the header in it.
type device struct {
	*luks.File
	path   string
	header *luks.Header
}

// headerPath is where the header of the device is that the first argument names.
func (r *run) headerPath() string {
	if r.Has("header") {
		return r.Values["header"]
	}
	return r.word(0)
}

// openFile opens a file or block device.
func openFile(path string, writable bool) (*luks.File, error) {
	f, err := luks.OpenFile(path, writable)
	return f, explainOpen(path, writable, err)
}

// explainOpen says why a device cannot be opened.
func explainOpen(path string, writable bool, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, luks.ErrLocked):
		return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Device %s is locked: another program changes its header.", path))
	case errors.Is(err, fs.ErrInvalid):
		return exit.Devicef("Device %s is not compatible.", path)
	case errors.Is(err, syscall.EBUSY):
		return exit.New(exit.Busy, ui.ExitFailed, fmt.Sprintf("Device %s is in use: it is mounted, or under an active device.", path))
	case writable && errors.Is(err, luks.ErrReadOnly):
		return exit.Devicef("Cannot write to device %s, permission denied.", path)
	}
	return exit.Devicef("Device %s does not exist or access denied.", path)
}

// errNotLUKS is what a device is that is not LUKS of the kind that was asked for.
var errNotLUKS = errors.New("not a valid LUKS device")

// openHeader opens the device and reads the header. The caller closes it. Without a header, or
// with one of another type than --type, the error wraps errNotLUKS.
func (r *run) openHeader(writable bool) (*device, error) {
	d := &device{path: r.headerPath()}
	var err error
	if d.File, err = openFile(d.path, writable); err != nil {
		return nil, err
	}
	if d.header, err = luks.Read(d.File); err == nil && !r.wants(d.header.Version) {
		err = errNotLUKS
	}
	if err != nil {
		return nil, errors.Join(r.explainHeader(d.path, err), d.Close())
	}
	for _, p := range d.header.Problems {
		r.complainf("%s: warning: %s: %s", name, d.path, p)
	}
	return d, nil
}

// wants reports whether --type allows the version.
func (r *run) wants(version int) bool {
	return isLUKS(r.kind) && (r.kind == "" || r.kind == "luks" || r.kind == fmt.Sprintf("luks%d", version))
}

// headerError is an error about a header: the text of cryptsetup, and the reason.
type headerError struct {
	error
	reason error
}

// Unwrap returns both.
func (e headerError) Unwrap() []error { return []error{e.error, e.reason} }

func (r *run) explainHeader(path string, err error) error {
	text := fmt.Sprintf("Device %s is not a valid LUKS device.", path)
	if errors.Is(err, luks.ErrHeader) || errors.Is(err, luks.ErrUnsupported) {
		text = sentence(err) + "\n" + text
	}
	return headerError{exit.New(exit.Failed, ui.ExitCode(err), text), errors.Join(errNotLUKS, err)}
}

// sentence is the text of an error of package luks for people.
func sentence(err error) string {
	return exit.Sentence(errors.New(strings.TrimPrefix(err.Error(), "luks: ")))
}
