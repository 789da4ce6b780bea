// Package cpio writes archives in the "newc" form that the Linux kernel unpacks
// as its first root file system (Documentation/driver-api/early-userspace/buffer-format.rst).
//
//	w := cpio.NewWriter(file)
//	err := w.File("init", 0o755, size, reader)
//	err = w.Symlink("sbin/modprobe", "/init")
//	err = w.Close()
//
// Everything in it belongs to root and has no time, so that equal content makes
// equal bytes. Archives one after the other are one to the kernel, if each begins
// at a multiple of four bytes, which every archive of this package ends at. It
// does not read archives.
package cpio

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

const (
	maxName = 4096      // PATH_MAX with its NUL: the kernel skips longer names
	maxSize = 1<<32 - 1 // eight hexadecimal digits
	trailer = "TRAILER!!!"
)

// File types in the mode field, as in stat(2).
const (
	typeDir     = 0o040000
	typeFile    = 0o100000
	typeSymlink = 0o120000
)

// Writer writes one archive. It is not safe for concurrent use.
type Writer struct {
	w     io.Writer
	inode uint32
	dirs  map[string]bool
	err   error // the first one; nothing is written after it
}

// NewWriter returns a Writer to w, which must be at a multiple of four bytes.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, dirs: map[string]bool{"": true}}
}

// Dir adds a directory and those above it, with mode 0755. One that the archive
// has already is left as it is.
func (w *Writer) Dir(name string) error {
	name, err := clean(name)
	if err != nil {
		return err
	}
	if w.dirs[name] {
		return w.err
	}
	if err := w.parents(name); err != nil {
		return err
	}
	w.dirs[name] = true
	return w.entry(name, typeDir|0o755, 0, strings.NewReader(""))
}

// File adds a file of size bytes from r, and the directories above it.
func (w *Writer) File(name string, perm fs.FileMode, size int64, r io.Reader) error {
	name, err := w.begin(name)
	if err != nil {
		return err
	}
	return w.entry(name, typeFile|uint32(perm.Perm()), size, r)
}

// Symlink adds a symbolic link, and the directories above it.
func (w *Writer) Symlink(name, target string) error {
	name, err := w.begin(name)
	if err != nil {
		return err
	}
	if target == "" || len(target) >= maxName {
		return fmt.Errorf("cpio: adding %q: link to %q: must be 1 to %d bytes", name, target, maxName-1)
	}
	return w.entry(name, typeSymlink|0o777, int64(len(target)), strings.NewReader(target))
}

// Close ends the archive. It does not close the writer below.
func (w *Writer) Close() error {
	err := w.entry(trailer, 0, 0, strings.NewReader(""))
	if w.err == nil {
		w.err = errors.New("cpio: the archive is closed")
	}
	return err
}

// begin checks the name of something that is not a directory.
func (w *Writer) begin(name string) (string, error) {
	name, err := clean(name)
	if err != nil {
		return "", err
	}
	if w.dirs[name] {
		return "", fmt.Errorf("cpio: adding %q: it is a directory already", name)
	}
	return name, w.parents(name)
}

func (w *Writer) parents(name string) error {
	dir := path.Dir(name)
	if dir == "." {
		return w.err
	}
	return w.Dir(dir)
}

// clean makes name relative to the root of the archive.
func clean(name string) (string, error) {
	cleaned := strings.TrimPrefix(path.Clean("/"+name), "/")
	if strings.ContainsRune(name, 0) || len(cleaned) >= maxName || cleaned == trailer {
		return "", fmt.Errorf("cpio: adding %q: not a name for the archive", name)
	}
	return cleaned, nil
}

func (w *Writer) entry(name string, mode uint32, size int64, r io.Reader) error {
	if w.err != nil {
		return w.err
	}
	if size < 0 || size > maxSize {
		return fmt.Errorf("cpio: adding %q: size of %d bytes: at most %d fit", name, size, int64(maxSize))
	}
	w.inode++
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		w.inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0, name)
	if _, err := io.WriteString(w.w, header+padding(int64(len(header)))); err != nil {
		return w.fail(name, err)
	}
	n, err := io.CopyN(w.w, r, size)
	if err == io.EOF {
		err = fmt.Errorf("%w: %d bytes of %d", io.ErrUnexpectedEOF, n, size)
	}
	if err == nil {
		_, err = io.WriteString(w.w, padding(size))
	}
	if err != nil {
		return w.fail(name, err)
	}
	return nil
}

func (w *Writer) fail(name string, err error) error {
	w.err = fmt.Errorf("cpio: adding %q: %w", name, err)
	return w.err
}

// padding fills up to a multiple of four bytes.
func padding(n int64) string { return "\x00\x00\x00"[:-n&3] }
