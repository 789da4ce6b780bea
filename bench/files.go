package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

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
	look    func(program string) (path string, err error) // finds a peer
	missing []string
}

func newFiles(o *Options) (*files, error) {
	dir, err := os.MkdirTemp(o.Dir, "dmimg-bench-")
	if err != nil {
		return nil, err
	}
	return &files{dir: dir, size: o.Size, program: o.Program, cores: runtime.GOMAXPROCS(0), look: exec.LookPath}, nil
}

func (f *files) removeAll(err *error) { *err = errors.Join(*err, os.RemoveAll(f.dir)) }

func (f *files) path(name string) string { return filepath.Join(f.dir, name) }

// lacks notes that a contestant is not there.
func (f *files) lacks(what string) { f.missing = appendNew(f.missing, what) }

func appendNew(list []string, items ...string) []string {
	for _, item := range items {
		if !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}

// random makes a file of size bytes, a multiple of [SizeUnit], that do not
// compress; they are the same in every run. Written now, it is in the page cache
// afterwards; on disk too, so that the system does not write it back while
// something is measured.
func (f *files) random(ctx context.Context, name string, size int64) (path string, err error) {
	path = f.path(name)
	file, err := volume.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	source := rand.NewChaCha8([32]byte([]byte("dmimg bench: the same every time")))
	chunk := make([]byte, SizeUnit)
	for off := int64(0); off < size; off += SizeUnit {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		source.Read(chunk) // never fails
		if _, err := file.WriteAt(chunk, off); err != nil {
			return "", err
		}
	}
	return path, file.Sync()
}

// small makes a file with the given content.
func (f *files) small(name string, content []byte) (path string, err error) {
	path = f.path(name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return "", fmt.Errorf("making %s: %w", name, err)
	}
	return path, nil
}

// part returns 1/n of the jobs' size, for work that is too slow for all of it.
func (f *files) part(n int64) int64 { return max(f.size/n/SizeUnit, 1) * SizeUnit }

// copyFile makes to a copy of from.
func copyFile(ctx context.Context, to, from string) (err error) {
	in, err := volume.OpenFile(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := volume.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	size, err := in.Size()
	if err != nil {
		return err
	}
	chunk := make([]byte, SizeUnit)
	for off := int64(0); off < size; off += SizeUnit {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk = chunk[:min(SizeUnit, size-off)]
		if _, err := in.ReadAt(chunk, off); err != nil {
			return err
		}
		if _, err := out.WriteAt(chunk, off); err != nil {
			return err
		}
	}
	return nil
}

// digestFiles returns the SHA-256 of each file, in hex.
func digestFiles(paths []string) ([]string, error) {
	var sums []string
	for _, path := range paths {
		sum, err := digestFile(path)
		if err != nil {
			return nil, err
		}
		sums = append(sums, hex.EncodeToString(sum))
	}
	return sums, nil
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
