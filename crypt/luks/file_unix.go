//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package luks

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// flock takes the lock of an open file without waiting; errHeld if another has it.
func flock(f *os.File, exclusively bool) error {
	how := syscall.LOCK_SH | syscall.LOCK_NB
	if exclusively {
		how = syscall.LOCK_EX | syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errHeld
		}
		return err
	}
}

// isReadOnly reports whether a file was not opened because it must not be written.
func isReadOnly(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}
