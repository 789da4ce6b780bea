package luks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// File is an image or block device that was opened for work on its header, and locked. It
// is a [Storage]. Its methods may be called concurrently, except for Close.
type File struct {
	f        *os.File
	writable bool
	unlock   func() error // nil: nothing beside f holds the lock
}

// lockPatience is how long a program that writes a header is waited for. cryptsetup holds
// its lock for as long as one write takes.
const lockPatience = 5 * time.Second

// errHeld says that another program has the lock.
var errHeld = errors.New("held")

// OpenFile opens an image or block device to read its header (a shared lock) or to change
// it (writable: an exclusive one). The lock is the one that cryptsetup takes for LUKS2: on
// Linux flock on an image itself and, for a block device, on a file in /run/cryptsetup; on
// other Unix systems flock; on Windows and elsewhere none. It is waited for a few seconds,
// then the error wraps [ErrLocked]. A file that may only be read is [ErrReadOnly] with
// writable. A device in use is opened all the same, since keys of an active volume may be
// changed; see [OpenUnused]. The caller closes the File.
func OpenFile(path string, writable bool) (*File, error) {
	f, err := openFile(path, writable, 0, lockPatience)
	if err != nil {
		return nil, fmt.Errorf("luks: opening %s: %w", path, err)
	}
	return f, nil
}

// OpenUnused is OpenFile for what would destroy data in use, as Format would: on Linux a
// block device that is mounted, or under an active volume, is refused.
func OpenUnused(path string) (*File, error) {
	f, err := openFile(path, true, exclusive, lockPatience)
	if err != nil {
		return nil, fmt.Errorf("luks: opening %s: %w", path, err)
	}
	return f, nil
}

func openFile(path string, writable bool, deviceFlag int, patience time.Duration) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, bare(err)
	}
	mode, flag := info.Mode(), os.O_RDONLY
	device := mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
	if !device && !mode.IsRegular() {
		return nil, fmt.Errorf("neither a regular file nor a block device (%v): %w", mode.Type(), fs.ErrInvalid)
	}
	if writable {
		flag = os.O_RDWR
	}
	if device {
		flag |= deviceFlag
	}
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		if writable && isReadOnly(err) {
			return nil, fmt.Errorf("%w: %w", ErrReadOnly, bare(err))
		}
		return nil, bare(err)
	}
	file := &File{f: f, writable: writable}
	if err := file.lock(info, device, patience); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return file, nil
}

// lock takes the lock, trying again for as long as patience lasts.
func (f *File) lock(info fs.FileInfo, device bool, patience time.Duration) error {
	now, err := f.f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, now) {
		return errors.New("it was replaced while it was opened")
	}
	const pause = 20 * time.Millisecond
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		f.unlock, err = lockFile(f.f, now, device, f.writable)
		if !errors.Is(err, errHeld) {
			return err
		}
		if !time.Now().Add(pause).Before(end) {
			return ErrLocked
		}
	}
}

// bare is the reason in an error of package os, whose path the caller names.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// ReadAt follows [io.ReaderAt].
func (f *File) ReadAt(p []byte, off int64) (int, error) { return f.f.ReadAt(p, off) }

// WriteAt follows [io.WriterAt]; [ErrReadOnly] unless the file was opened for writing.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if !f.writable {
		return 0, ErrReadOnly
	}
	return f.f.WriteAt(p, off)
}

// Sync makes what was written survive a crash.
func (f *File) Sync() error {
	if !f.writable {
		return nil
	}
	return f.f.Sync()
}

// Size is that of the file or device in bytes.
func (f *File) Size() (int64, error) { return f.f.Seek(0, io.SeekEnd) }

// Truncate sets the size of a regular file in bytes.
func (f *File) Truncate(size int64) error {
	if !f.writable {
		return ErrReadOnly
	}
	return f.f.Truncate(size)
}

// Close closes the file and gives the lock up; what was not synced may still be lost in a
// crash.
func (f *File) Close() error {
	err := f.f.Close()
	if f.unlock != nil {
		err = errors.Join(err, f.unlock())
		f.unlock = nil
	}
	return err
}
