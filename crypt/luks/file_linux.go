package luks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// exclusive makes the kernel refuse a block device that is mounted or under another one.
const exclusive = syscall.O_EXCL

// lockDir is where the locks of block devices are; cryptsetup agrees.
const lockDir = "/run/cryptsetup"

// lockFile locks an image itself, or the file that stands for a block device.
func lockFile(f *os.File, info fs.FileInfo, device, exclusively bool) (unlock func() error, err error) {
	if !device {
		return nil, flock(f, exclusively)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return lockDevice(lockDir, deviceLock(uint64(stat.Rdev)), exclusively)
}

// deviceLock is the name of the lock of the device with this number.
func deviceLock(number uint64) string {
	major := uint32(number>>8&0xfff | number>>32&^0xfff)
	minor := uint32(number&0xff | number>>12&^0xff)
	return fmt.Sprintf("L_%d:%d", major, minor)
}

// lockDevice locks a file that is made for it and removed with the last lock.
func lockDevice(dir, name string, exclusively bool) (unlock func() error, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making the folder of locks: %w", err)
	}
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	if err := flock(f, exclusively); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !isAt(path, f) { // removed by who had it before: whoever comes next makes another
		return nil, errors.Join(errHeld, f.Close())
	}
	return func() error {
		if flock(f, true) == nil && isAt(path, f) { // nobody else has it
			err = os.Remove(path)
		}
		return errors.Join(err, f.Close())
	}, nil
}

// isAt reports whether path is still the name of f.
func isAt(path string, f *os.File) bool {
	mine, err1 := f.Stat()
	there, err2 := os.Lstat(path)
	return err1 == nil && err2 == nil && os.SameFile(mine, there)
}
