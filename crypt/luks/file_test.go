package luks

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// imageFile makes a file of some bytes.
func imageFile(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := imageFile(t, []byte("0123456789"))
	f, err := OpenFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := f.WriteAt([]byte("ab"), 9)
	err2 := f.Sync()
	size, err3 := f.Size()
	if err := errors.Join(err1, err2, err3); err != nil || size != 11 {
		t.Errorf("size %d, %v", size, err)
	}
	if err := errors.Join(f.Truncate(4), f.Close()); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, []byte("0123")) {
		t.Errorf("the file has %q, %v", b, err)
	}
}

func TestFileReadOnly(t *testing.T) {
	t.Parallel()
	path := imageFile(t, []byte("0123456789"))
	f, err := OpenFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("ab"), 0); !errors.Is(err, ErrReadOnly) {
		t.Errorf("writing: %v, want %v", err, ErrReadOnly)
	}
	if err := f.Truncate(0); !errors.Is(err, ErrReadOnly) {
		t.Errorf("truncating: %v, want %v", err, ErrReadOnly)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Error(err)
	}
}

// TestFileRefused opens what is no image; a file without permission is for people who are
// not root.
func TestFileRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := OpenFile(dir, false); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := OpenFile(filepath.Join(dir, "none"), true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		return
	}
	path := imageFile(t, nil)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFile(path, true); !errors.Is(err, ErrReadOnly) {
		t.Errorf("a file that may only be read: %v, want %v", err, ErrReadOnly)
	}
}
