//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package luks

import (
	"io/fs"
	"os"
)

// exclusive is nothing here: the system refuses devices in use by itself, or not.
const exclusive = 0

// lockFile locks the file or device itself.
func lockFile(f *os.File, _ fs.FileInfo, _, exclusively bool) (unlock func() error, err error) {
	return nil, flock(f, exclusively)
}
