package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"

	"github.com/dmimg/dmimg/volume"
)

// SizeUnit is what [Options.Size] must be a multiple of, in bytes.
const SizeUnit = 1 << 20

// files is the folder that a group's jobs work in, and what they were told.
type files struct {
	dir     string
	size    int64  // bytes of a test file
	program string // the dmimg executable
	cores   int
	missing []string
}

func newFiles(o *Options) (*files, error) {
	dir, err := os.MkdirTemp(o.Dir, "dmimg-bench-")
	if err != nil {
		return nil, err
	}
	return &files{dir: dir, size: o.Size, program: o.Program, cores: runtime.GOMAXPROCS(0)}, nil
}

func (f *files) removeAll(err *error) { *err = errors.Join(*err, os.RemoveAll(f.dir)) }

func (f *files) path(name string) string { return filepath.Join(f.dir, name) }

// lacks notes that a contestant is not there.
func (f *files) lacks(what string) { f.missing = append(f.missing, what) }

// random makes a file of the jobs' size with bytes that do not compress; they
// are the same in every run. Written now, it is in the page cache afterwards.
func (f *files) random(ctx context.Context, name string) (path string, err error) {
	path = f.path(name)
	file, err := volume.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	source := rand.NewChaCha8([32]byte([]byte("dmimg bench: the same every time")))
	chunk := make([]byte, SizeUnit)
	for off := int64(0); off < f.size; off += SizeUnit {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		source.Read(chunk) // never fails
		if _, err := file.WriteAt(chunk, off); err != nil {
			return "", err
		}
	}
	return path, nil
}

// small makes a file with the given content.
func (f *files) small(name string, content []byte) (path string, err error) {
	path = f.path(name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", fmt.Errorf("making %s: %w", name, err)
	}
	return path, nil
}

// digestFile returns the SHA-256 of a whole file.
func digestFile(path string) (sum []byte, err error) {
	file, err := volume.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, size)); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
