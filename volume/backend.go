package volume

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Backend is a backing device: a file, a block device, memory, or another
// volume. Offsets and sizes are bytes. Methods may be called concurrently,
// Close last. A ReadAt that meets the end returns io.EOF as io.ReaderAt says.
//
// A backend may have more methods, which are used when they are there:
// [Extenter], [Discarder], [Blocked], [Aligned].
type Backend interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error          // makes what was written durable
	Size() (int64, error) // bytes
}

// OpenFunc opens a backing device by the word that a table calls it. flag and
// perm are those of os.OpenFile. A word that leads to nothing should give an
// error that matches [ErrNoDevice].
type OpenFunc func(name string, flag int, perm fs.FileMode) (Backend, error)

// Extent is a run of bytes.
type Extent struct {
	Offset int64 `json:"offset_bytes"`
	Length int64 `json:"length_bytes"`
}

// Extenter is a device that knows its holes. Extents lists, in order and
// without overlap, the parts of [off, off+length) that may hold data; the rest
// reads as zeros.
type Extenter interface {
	Extents(off, length int64) ([]Extent, error)
}

// Discarder is a device that can give back storage. What a later read of the
// range returns is the device's business, as in the kernel; [ErrUnsupported]
// when it cannot.
type Discarder interface {
	Discard(off, length int64) error
}

// created is a backend that its open brought into being: it may be made as
// long as a table needs, and is removed again when the open fails.
type created interface {
	grow(size int64) error
	remove() error
}

// OpenFile opens a regular file or a block device; it is the [OpenFunc] that
// [Options] use by default. Anything else (directories, pipes, character
// devices) is refused before it is opened. A block device opened for writing
// is opened exclusively (Linux: O_EXCL), so that one that is mounted or in use
// by device-mapper is refused. A missing name matches [ErrNoDevice] and
// fs.ErrNotExist; with os.O_CREATE the file is made.
func OpenFile(name string, flag int, perm fs.FileMode) (Backend, error) {
	b, err := openFile(name, flag, perm)
	if err != nil {
		return nil, fmt.Errorf("volume: opening a device: %w", err)
	}
	return b, nil
}

// openFile is OpenFile for callers that say themselves what they were doing.
func openFile(name string, flag int, perm fs.FileMode) (Backend, error) {
	info, err := os.Stat(name)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err == nil:
		if err := checkMode(name, info.Mode()); err != nil {
			return nil, err
		}
		if flag&os.O_EXCL == 0 {
			flag &^= os.O_CREATE // it exists: the two together would refuse a block device
		}
		if isBlock(info.Mode()) && flag&os.O_RDWR != 0 {
			flag |= exclusive
		}
	case missing && flag&os.O_CREATE != 0:
		flag |= os.O_EXCL // so that we know the file is ours to grow and to remove
	case missing:
		return nil, fmt.Errorf("%w: %w", ErrNoDevice, err)
	default:
		return nil, err
	}
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	b := &file{f: f, writable: flag&os.O_RDWR != 0, block: info != nil && isBlock(info.Mode())}
	if missing {
		return &newFile{b}, nil
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, errors.Join(fmt.Errorf("%q was replaced while it was opened", name), err, f.Close())
	}
	return b, nil
}

// checkMode refuses what cannot be a backing device.
func checkMode(name string, mode fs.FileMode) error {
	if mode.IsRegular() || isBlock(mode) {
		return nil
	}
	return fmt.Errorf("%q is neither a regular file nor a block device (%v): %w", name, mode.Type(), fs.ErrInvalid)
}

func isBlock(mode fs.FileMode) bool {
	return mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
}

// file is a file or block device.
type file struct {
	f        *os.File
	writable bool
	block    bool
}

func (b *file) ReadAt(p []byte, off int64) (int, error) { return b.f.ReadAt(p, off) }

func (b *file) WriteAt(p []byte, off int64) (int, error) {
	if !b.writable {
		return 0, ErrReadOnly
	}
	return b.f.WriteAt(p, off)
}

func (b *file) Close() error { return b.f.Close() }

// stat identifies the file.
func (b *file) stat() (fs.FileInfo, error) { return b.f.Stat() }

// Sync flushes the file; one that was opened for reading has nothing to flush.
func (b *file) Sync() error {
	if !b.writable {
		return nil
	}
	return b.f.Sync()
}

// Size asks the file system, or for a block device the position of its end:
// no ioctl is needed.
func (b *file) Size() (int64, error) {
	if b.block {
		return b.f.Seek(0, io.SeekEnd)
	}
	info, err := b.f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Extents lists the parts of the file that are not holes. Where the system
// cannot tell, everything is data.
func (b *file) Extents(off, length int64) ([]Extent, error) {
	if b.block {
		return whole(off, length), nil
	}
	return fileExtents(b.f, off, length)
}

// Discard punches a hole.
func (b *file) Discard(off, length int64) error {
	if !b.writable {
		return ErrReadOnly
	}
	return punchHole(b.f, off, length)
}

// newFile is a file made by O_CREATE.
type newFile struct{ *file }

func (b *newFile) grow(size int64) error { return b.f.Truncate(size) }
func (b *newFile) remove() error         { return os.Remove(b.f.Name()) }
