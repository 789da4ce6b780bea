//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package luks

import (
	"errors"
	"io/fs"
	"os"
)

// exclusive is nothing here.
const exclusive = 0

// lockFile does nothing: no program here locks LUKS headers.
func lockFile(*os.File, fs.FileInfo, bool, bool) (unlock func() error, err error) { return nil, nil }

// isReadOnly reports whether a file was not opened because it must not be written.
func isReadOnly(err error) bool { return errors.Is(err, fs.ErrPermission) }
