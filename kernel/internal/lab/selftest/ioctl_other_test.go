//go:build !linux

package selftest

import (
	"os"
	"syscall"
)

// ioctl is never called: the tests are skipped outside of the lab.
func ioctl(*os.File, uintptr, []byte) syscall.Errno { return 1 }
