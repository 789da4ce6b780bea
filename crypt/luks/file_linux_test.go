package luks

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestDeviceLock locks block devices by a file that goes with the last lock.
func TestDeviceLock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "locks")
	path := filepath.Join(dir, "L_8:1")
	first, err1 := lockDevice(dir, "L_8:1", false)
	second, err2 := lockDevice(dir, "L_8:1", false)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if _, err := lockDevice(dir, "L_8:1", true); !errors.Is(err, errHeld) {
		t.Errorf("a writer beside readers: %v, want %v", err, errHeld)
	}
	if err := first(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the first reader took the lock away: %v", err)
	}
	if err := second(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is left: %v", err)
	}
	writer, err := lockDevice(dir, "L_8:1", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockDevice(dir, "L_8:1", false); !errors.Is(err, errHeld) {
		t.Errorf("a reader beside a writer: %v, want %v", err, errHeld)
	}
	if err := writer(); err != nil {
		t.Error(err)
	}
}

// TestDeviceLockName follows the numbers of devices (Linux, makedev(3)).
func TestDeviceLockName(t *testing.T) {
	t.Parallel()
	for number, want := range map[uint64]string{
		0x801: "L_8:1", 0x700: "L_7:0", 0xfd03: "L_253:3", 0x100801: "L_8:257", 0x1000_0000_0801: "L_4104:1",
	} {
		if got := deviceLock(number); got != want {
			t.Errorf("%#x: %s, want %s", number, got, want)
		}
	}
}
