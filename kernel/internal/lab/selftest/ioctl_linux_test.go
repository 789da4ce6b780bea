package selftest

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ioctl calls the driver behind f with a buffer.
func ioctl(f *os.File, request uintptr, buffer []byte) syscall.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&buffer[0])))
	return errno
}
