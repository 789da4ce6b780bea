package labtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/lab/loop"
)

// Disk returns the path of a block device of size bytes, all zero, that is gone
// after the test. It is a loop device on a file in memory.
func Disk(t testing.TB, size int64) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	return DiskOf(t, file, loop.Options{})
}

// DiskOf returns the path of a block device on a file, until the test ends.
func DiskOf(t testing.TB, file string, options loop.Options) string {
	t.Helper()
	device, err := loop.Attach(file, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := device.Detach(); err != nil {
			t.Error(err)
		}
	})
	return device.Path()
}
