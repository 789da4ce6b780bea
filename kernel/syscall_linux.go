package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// This is the one file of the package that hands memory to the kernel.

// ioctl gives buf to the kernel, which reads and writes at most the length that its header
// says. buf lies on the heap, where nothing moves.
func ioctl(fd int, request uint32, buf []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(unsafe.SliceData(buf))))
	return errnoOf(errno)
}

// Numbers of ipc(2) for machines where the calls below are one.
const (
	ipcSemget     = 2
	ipcSemctl     = 3
	ipcSemtimedop = 4
)

func semget(key int32, count, flags int) (int, error) {
	var id uintptr
	var errno unix.Errno
	if sysIPC != 0 {
		id, _, errno = unix.Syscall6(sysIPC, ipcSemget, uintptr(uint32(key)), uintptr(count), uintptr(flags), 0, 0)
	} else {
		id, _, errno = unix.Syscall(sysSemget, uintptr(uint32(key)), uintptr(count), uintptr(flags))
	}
	return int(id), errnoOf(errno)
}

// semctl is for commands without an argument, on the first semaphore of a set.
func semctl(id, command int) (int, error) {
	var v uintptr
	var errno unix.Errno
	if sysIPC != 0 {
		var argument uintptr // ipc(2) reads one even if the command does not
		v, _, errno = unix.Syscall6(sysIPC, ipcSemctl, uintptr(id), 0, uintptr(command), uintptr(unsafe.Pointer(&argument)), 0)
	} else {
		v, _, errno = unix.Syscall6(sysSemctl, uintptr(id), 0, uintptr(command), 0, 0, 0)
	}
	return int(v), errnoOf(errno)
}

// semtimedop does one operation. limit may be nil: no limit.
func semtimedop(id int, op sembuf, limit *unix.Timespec) error {
	var errno unix.Errno
	if sysIPC != 0 { // s390x takes the limit as the third word, the others as the fifth
		_, _, errno = unix.Syscall6(sysIPC, ipcSemtimedop, uintptr(id), 1,
			uintptr(unsafe.Pointer(limit)), uintptr(unsafe.Pointer(&op)), uintptr(unsafe.Pointer(limit)))
	} else {
		_, _, errno = unix.Syscall6(sysSemtimedop, uintptr(id), uintptr(unsafe.Pointer(&op)), 1,
			uintptr(unsafe.Pointer(limit)), 0, 0)
	}
	return errnoOf(errno)
}

func errnoOf(errno unix.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}
