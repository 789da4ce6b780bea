package ui

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OutputOptions say how an output is made.
type OutputOptions struct {
	Force bool        // replace a regular file, write to a block device
	Perm  fs.FileMode // of a new file, before the umask; 0 means 0666
}

// Output is a file being written. A regular file is written under a temporary name
// in its own directory and gets its name at [CommitAll]; until then Close removes it, and
// what stood there before stays. Devices and pipes are written directly.
// WriteAt and ReadAt may be called concurrently.
type Output struct {
	file     *os.File
	path     string // the final name, links resolved
	temp     string // "" when written directly
	replaces bool   // a file of that name existed and may be replaced
	closed   bool
	named    bool // the new name was given
	seekable bool // WriteAt works
}

// CreateOutput starts writing to path. Without Force an existing regular file or
// block device is refused (exit status 1). Block devices are opened exclusively.
func CreateOutput(path string, o OutputOptions) (*Output, error) {
	if path == "" {
		return nil, Usagef("creating output: the name is empty")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(path); err == nil && !o.Force {
			return nil, existsError(path, "a link that leads nowhere")
		}
		return createTemp(path, o, nil)
	case err != nil:
		return nil, Failf("creating output: %w", err)
	case info.IsDir():
		return nil, Failf("creating output: %s is a directory", path)
	case info.Mode().IsRegular():
		if !o.Force {
			return nil, existsError(path, "a file")
		}
		return createTemp(path, o, info)
	default:
		return openSpecial(path, o, info)
	}
}

func existsError(path, what string) error {
	return &Error{
		Code: ExitFailed, Hint: "--force overwrites it",
		Err: fmt.Errorf("creating output: %s exists already (%s)", path, what),
	}
}

// createTemp opens a temporary file beside path; old describes what it will replace.
func createTemp(path string, o OutputOptions, old fs.FileInfo) (*Output, error) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved // replace the file, not the link to it
	}
	perm := o.Perm
	if perm == 0 {
		perm = 0o666
	}
	dir, base := filepath.Split(path)
	for {
		temp := filepath.Join(dir, "."+base+"."+randomWord()+".tmp")
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, Failf("creating output: %s: %w", path, reason(err))
		}
		out := &Output{file: f, path: path, temp: temp, replaces: old != nil || o.Force, seekable: true}
		if old != nil {
			if err := f.Chmod(old.Mode().Perm()); err != nil {
				return nil, errors.Join(Failf("creating output: %s: %w", path, reason(err)), out.Close())
			}
		}
		return out, nil
	}
}

func randomWord() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// openSpecial opens a device or pipe to write to it directly.
func openSpecial(path string, o OutputOptions, info fs.FileInfo) (*Output, error) {
	flag := os.O_WRONLY
	if isBlockDevice(info.Mode()) {
		if !o.Force {
			return nil, existsError(path, "a block device")
		}
		flag = os.O_RDWR | os.O_EXCL
	}
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, Failf("creating output: %w", err)
	}
	return &Output{file: f, path: path, seekable: isBlockDevice(info.Mode())}, nil
}

// Path is the final name.
func (out *Output) Path() string { return out.path }

// Close ends the output; unless it was committed, the temporary file is removed.
// Closing twice does nothing.
func (out *Output) Close() error {
	if out.closed {
		return nil
	}
	out.closed = true
	err := out.file.Close()
	if out.temp != "" {
		err = errors.Join(err, os.Remove(out.temp))
	}
	return err
}

// finish brings all bytes to the disk.
func (out *Output) finish() error {
	err := out.file.Sync()
	if cannotSync(err) {
		err = nil
	}
	return out.failed("writing", err)
}

// publish gives the file its name.
func (out *Output) publish() error {
	out.closed = true
	err := out.failed("writing", out.file.Close())
	if out.temp == "" {
		return err
	}
	if err == nil {
		err = out.rename()
	}
	if err != nil {
		return errors.Join(err, os.Remove(out.temp))
	}
	out.named = true
	syncDir(filepath.Dir(out.path))
	return nil
}

// rename never replaces a file that appeared meanwhile, unless told to: a hard link
// fails when the name is taken, which a rename does not.
func (out *Output) rename() error {
	if out.replaces {
		if err := os.Rename(out.temp, out.path); err != nil {
			return Failf("creating output: %w", err)
		}
		return nil
	}
	err := os.Link(out.temp, out.path)
	if err == nil {
		return os.Remove(out.temp)
	}
	if _, statErr := os.Lstat(out.path); statErr == nil {
		return existsError(out.path, "it appeared meanwhile")
	}
	if err := os.Rename(out.temp, out.path); err != nil { // no hard links here
		return Failf("creating output: %w", err)
	}
	return nil
}

// withdraw removes a new file whose name was given already; one that replaced
// another stays, for the other is gone.
func (out *Output) withdraw() error {
	if !out.named || out.replaces {
		return nil
	}
	out.named = false
	return os.Remove(out.path)
}

// IsSeekable reports whether the output can be written anywhere; a pipe cannot.
func (out *Output) IsSeekable() bool { return out.seekable }

// Write writes at the end of what Write has written.
func (out *Output) Write(b []byte) (int, error) {
	n, err := out.file.Write(b)
	return n, out.failed("writing", err)
}

// WriteAt writes anywhere; errors name the file as it will be called.
func (out *Output) WriteAt(b []byte, off int64) (int, error) {
	n, err := out.file.WriteAt(b, off)
	return n, out.failed("writing", err)
}

// ReadAt reads what was written.
func (out *Output) ReadAt(b []byte, off int64) (int, error) {
	n, err := out.file.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, out.failed("reading", err)
}

// Stat describes the file that is being written.
func (out *Output) Stat() (fs.FileInfo, error) { return out.file.Stat() }

// Truncate cuts the output, or extends it with zeros, to size bytes.
func (out *Output) Truncate(size int64) error {
	return out.failed("writing", out.file.Truncate(size))
}

// CheckRoom refuses a block device that is shorter than size bytes, before any of
// its bytes are lost.
func (out *Output) CheckRoom(size int64) error {
	if out.temp != "" || !out.seekable {
		return nil
	}
	room, err := out.file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = out.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return out.failed("writing", err)
	}
	if room < size {
		return Failf("writing %s: %s do not fit, the device has %s", out.path, FormatSize(size), FormatSize(room))
	}
	return nil
}

// Grow makes the output at least size bytes long; a block device must be.
func (out *Output) Grow(size int64) error {
	info, err := out.file.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() < size {
		err = out.file.Truncate(size)
	}
	return out.failed("writing", err)
}

func (out *Output) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	return Failf("%s %s: %w", doing, out.path, reason(err))
}

// reason drops the temporary name that an *fs.PathError carries.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
