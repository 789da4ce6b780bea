package kernel

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// miscMajor and defaultMinor are the number of the control device where /proc/misc does
// not tell it: the driver asks for this minor (miscdevice.h, MAPPER_CTRL_MINOR).
const (
	miscMajor    = 10
	defaultMinor = 236
)

// OpenControl opens the control device. Opening loads the module by the number of the
// node, so a node that is missing is made first.
func (machine) OpenControl(path string) (Transport, error) {
	fd, err := openRetry(path)
	if errors.Is(err, unix.ENOENT) {
		if err := makeControl(path); err != nil && !errors.Is(err, unix.EEXIST) {
			return nil, &os.PathError{Op: "mknod", Path: path, Err: err}
		}
		fd, err = openRetry(path)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &controlFile{fd: fd}, nil
}

func openRetry(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func makeControl(path string) error {
	misc, err := os.ReadFile("/proc/misc")
	if err != nil {
		misc = nil // the usual number then
	}
	return mknod(path, unix.S_IFCHR|0o600, unix.Mkdev(miscMajor, controlMinor(string(misc))))
}

// controlMinor finds the minor number of the control device in /proc/misc.
func controlMinor(misc string) uint32 {
	for line := range strings.Lines(misc) {
		words := strings.Fields(line)
		if len(words) == 2 && words[1] == "device-mapper" {
			if n, err := strconv.ParseUint(words[0], 10, 20); err == nil {
				return uint32(n)
			}
		}
	}
	return defaultMinor
}

// controlFile is a Transport of the kernel.
type controlFile struct {
	fd int
}

// Ioctl issues a command.
func (f *controlFile) Ioctl(number uint32, buf []byte) error {
	return ioctl(f.fd, dmioctl.Command(number).Request(), buf)
}

// Poll waits for the control device or the end of ctx.
func (f *controlFile) Poll(ctx context.Context) error {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return err
	}
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		one := []byte{1, 0, 0, 0, 0, 0, 0, 1} // not zero in either byte order
		_, _ = unix.Write(wake, one)
	})
	err = pollEither(f.fd, wake)
	if !stop() {
		<-woken
	}
	if cerr := unix.Close(wake); err == nil {
		err = cerr
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func pollEither(fd, wake int) error {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		if err != unix.EINTR {
			return err
		}
	}
}

// Close closes the file.
func (f *controlFile) Close() error { return unix.Close(f.fd) }

// probePaths issues DM_MPATH_PROBE_PATHS.
func probePaths(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno error
	err = conn.Control(func(fd uintptr) {
		for {
			errno = ioctl(int(fd), dmioctl.ProbePathsRequest(runtime.GOARCH), nil)
			if !errors.Is(errno, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, errno)
}
