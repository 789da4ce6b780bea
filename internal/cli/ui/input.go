package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Input is a file, block device or stream opened for reading.
type Input struct {
	name     string
	file     *os.File    // nil for a reader that is not a file
	info     fs.FileInfo // nil likewise
	stream   io.Reader   // set when only reading in order is possible
	size     int64       // bytes; -1 for a stream
	borrowed bool        // standard input is not ours to close
}

// OpenInput opens path for reading; "-" is stdin. A regular file or block device
// can be read anywhere and knows its size; everything else is a stream, whose Read
// ends with ctx, so that a silent pipe does not hold up an interrupted program.
func OpenInput(ctx context.Context, path string, stdin io.Reader) (*Input, error) {
	if path == "-" {
		in := &Input{name: "standard input", stream: NewContextReader(ctx, stdin), size: -1, borrowed: true}
		if f, ok := stdin.(*os.File); ok {
			in.info, _ = f.Stat() // only to recognise the same file elsewhere
			widenPipe(f)
		}
		return in, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, Failf("opening input: %w", err)
	}
	in, err := newInput(ctx, path, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return in, nil
}

func newInput(ctx context.Context, path string, f *os.File) (*Input, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, Failf("opening input: %w", err)
	}
	in := &Input{name: path, file: f, info: info, size: info.Size()}
	switch mode := info.Mode(); {
	case mode.IsRegular():
	case mode.IsDir():
		return nil, Failf("opening input: %s is a directory", path)
	case isBlockDevice(mode):
		if in.size, err = f.Seek(0, io.SeekEnd); err != nil {
			return nil, Failf("opening input: size of %s: %w", path, err)
		}
	default:
		widenPipe(f)
		in.stream, in.size = NewContextReader(ctx, f), -1
	}
	return in, nil
}

// Name is the path, or "standard input".
func (in *Input) Name() string { return in.name }

// IsStream reports whether the input can only be read in order; then ReadAt fails
// and Size is -1.
func (in *Input) IsStream() bool { return in.stream != nil }

// Size returns the size in bytes, -1 for a stream.
func (in *Input) Size() int64 { return in.size }

// Info describes the open file; it is nil when the input is not a file.
func (in *Input) Info() fs.FileInfo { return in.info }

// ReadAt reads from a file or block device; concurrent calls are safe.
func (in *Input) ReadAt(p []byte, off int64) (int, error) {
	if in.stream != nil {
		return 0, fmt.Errorf("reading %s: a stream can only be read in order", in.name)
	}
	return in.file.ReadAt(p, off)
}

// NextData finds data in a sparse file: the first run of bytes [start, end) at or
// after off that may hold some. io.EOF means that only zeros follow, any other error
// that nothing is known.
func (in *Input) NextData(off int64) (start, end int64, err error) {
	if in.stream != nil || !in.info.Mode().IsRegular() {
		return 0, 0, errors.ErrUnsupported
	}
	return nextData(in.file, off)
}

// Reader returns a reader over length bytes from offset on; length -1 means to the
// end. On a stream the bytes before offset are read and dropped.
func (in *Input) Reader(offset, length int64) (io.Reader, error) {
	if in.stream == nil {
		if length < 0 {
			length = max(0, in.size-offset)
		}
		return io.NewSectionReader(in.file, offset, length), nil
	}
	if n, err := io.CopyN(io.Discard, in.stream, offset); err != nil {
		return nil, Failf("reading %s: skipping to offset %d: got %d bytes: %w", in.name, offset, n, err)
	}
	if length < 0 {
		return in.stream, nil
	}
	return io.LimitReader(in.stream, length), nil
}

// Close closes the file; standard input stays open.
func (in *Input) Close() error {
	if in.borrowed || in.file == nil {
		return nil
	}
	return in.file.Close()
}

// IsSameFile reports whether two descriptions are of one file, by whatever paths
// or links it was reached. A nil description is of no file.
func IsSameFile(a, b fs.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b)
}

// StatFile describes what path leads to, nil if there is nothing.
func StatFile(path string) fs.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}

func isBlockDevice(mode fs.FileMode) bool {
	return mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
}
