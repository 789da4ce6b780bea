package volume_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume"
)

// newFile writes a file of noise and returns its path.
func newFile(t testing.TB, sectors int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, noise(1, sectors*sector), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenFile: what a file backend does.
func TestOpenFile(t *testing.T) {
	t.Parallel()
	path := newFile(t, 4)
	b, err := volume.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if size, err := b.Size(); size != 4*sector || err != nil {
		t.Errorf("Size() = %d, %v", size, err)
	}
	if n, err := b.WriteAt([]byte("hello"), 10); n != 5 || err != nil {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	got := make([]byte, 7)
	if n, err := b.ReadAt(got, 9); n != 7 || err != nil || string(got[1:6]) != "hello" {
		t.Errorf("ReadAt = %d, %v, %q", n, err, got)
	}
	if n, err := b.ReadAt(make([]byte, sector), 4*sector-5); n != 5 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt at the end = %d, %v, want 5, %v", n, err, io.EOF)
	}
	if err := errors.Join(b.Sync(), b.Close()); err != nil {
		t.Error(err)
	}
	if _, err := b.ReadAt(got, 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadAt after Close: %v", err)
	}
}

// TestOpenFileReadOnly: no writes.
func TestOpenFileReadOnly(t *testing.T) {
	t.Parallel()
	b, err := volume.OpenFile(newFile(t, 4), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if n, err := b.WriteAt([]byte("x"), 0); n != 0 || !errors.Is(err, volume.ErrReadOnly) {
		t.Errorf("WriteAt = %d, %v, want %v", n, err, volume.ErrReadOnly)
	}
	if err := b.(volume.Discarder).Discard(0, sector); !errors.Is(err, volume.ErrReadOnly) {
		t.Errorf("Discard: %v, want %v", err, volume.ErrReadOnly)
	}
	if err := b.Sync(); err != nil {
		t.Errorf("Sync: %v", err)
	}
}

// TestOpenFileRefuses: what cannot be a backing device is refused without
// opening it: a pipe would hang.
func TestOpenFileRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := volume.OpenFile(filepath.Join(dir, "none"), os.O_RDONLY, 0); !errors.Is(err, volume.ErrNoDevice) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenFile of nothing: %v, want %v and %v", err, volume.ErrNoDevice, fs.ErrNotExist)
	}
	names := []string{dir, os.DevNull}
	if pipe := filepath.Join(dir, "pipe"); makePipe(pipe) == nil {
		names = append(names, pipe)
	}
	for _, name := range names {
		b, err := volume.OpenFile(name, os.O_RDONLY, 0)
		if !errors.Is(err, fs.ErrInvalid) || b != nil || !strings.Contains(err.Error(), "neither") {
			t.Errorf("OpenFile(%q) = %v, %v, want %v", name, b, err, fs.ErrInvalid)
		}
	}
	if _, err := volume.OpenFile("", os.O_RDONLY, 0); err == nil {
		t.Error("OpenFile of an empty name: no error")
	}
}

// TestCreate: O_CREATE makes missing files as long as the tables need, leaves
// existing ones alone, and a failed open takes back what it made.
func TestCreate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b, short := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "short")
	if err := os.WriteFile(short, make([]byte, sector), 0o600); err != nil {
		t.Fatal(err)
	}
	create := os.O_RDWR | os.O_CREATE
	v, err := volume.OpenUserspaceVolume(create, 0o640, parse(t, "0 8 linear "+a+" 2", "8 24 unstriped 3 8 2 "+b+" 1")...)
	if err != nil {
		t.Fatal(err)
	}
	want := noise(3, 32*sector)
	if n, err := v.WriteAt(want, 0); n != len(want) || err != nil {
		t.Errorf("WriteAt = %d, %v", n, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	for path, size := range map[string]int64{a: 10 * sector, b: 73 * sector} {
		info, err := os.Stat(path)
		if err != nil || info.Size() != size || info.Mode().Perm()&^0o640 != 0 && runtime.GOOS != "windows" {
			t.Errorf("%s: %v, %v, want %d bytes", path, info, err, size)
		}
	}
	v, err = volume.OpenUserspaceVolume(create, 0o640, parse(t, "0 8 linear "+a+" 2", "8 24 unstriped 3 8 2 "+b+" 1")...)
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, v, 0, len(want)); !bytes.Equal(got, want) {
		t.Error("opened again with O_CREATE: other content")
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	c := filepath.Join(dir, "c")
	_, err = volume.OpenUserspaceVolume(create, 0o600, parse(t, "0 8 linear "+c+" 0", "8 8 linear "+short+" 0")...)
	if !errors.Is(err, volume.ErrDeviceTooSmall) {
		t.Errorf("Open: %v, want %v", err, volume.ErrDeviceTooSmall)
	}
	if _, err := os.Stat(c); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file made by the failed open is still there (%v)", err)
	}
	if info, err := os.Stat(short); err != nil || info.Size() != sector {
		t.Errorf("the file that was there before: %v, %v", info, err)
	}
}

// TestFileExtents: holes of a file are found where the system can tell, and
// never where there is data.
func TestFileExtents(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	path := filepath.Join(t.TempDir(), "sparse")
	b, err := volume.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, off := range []int64{3 * mib, 7 * mib} {
		if _, err := b.WriteAt(noise(1, mib), off); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(path, 10*mib); err != nil {
		t.Fatal(err)
	}
	list, err := b.(volume.Extenter).Extents(mib, 8*mib)
	if err != nil {
		t.Fatal(err)
	}
	covered := make([]bool, 10)
	for _, e := range list {
		if e.Offset < mib || e.Length <= 0 || e.Offset+e.Length > 9*mib {
			t.Errorf("extent %v is not inside the range", e)
		}
		for i := e.Offset / mib; i < (e.Offset+e.Length+mib-1)/mib; i++ {
			covered[i] = true
		}
	}
	if !covered[3] || !covered[7] {
		t.Errorf("Extents = %v: data is missing", list)
	}
	if slices.Equal(list, []volume.Extent{{Offset: mib, Length: 8 * mib}}) {
		t.Skip("this file system does not tell holes")
	}
	if covered[1] || covered[5] || covered[8] {
		t.Errorf("Extents = %v: holes pass for data", list)
	}
}

// TestFileDiscard: the range reads as zeros afterwards, the size stays.
func TestFileDiscard(t *testing.T) {
	t.Parallel()
	path := newFile(t, 64)
	b, err := volume.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = b.(volume.Discarder).Discard(8*sector, 16*sector)
	if errors.Is(err, volume.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := noise(1, 64*sector)
	clear(want[8*sector : 24*sector])
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("after Discard the file has other content (%v)", err)
	}
}
