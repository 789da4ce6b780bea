//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package luks

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestFileLocks opens a file twice: many may read, one may write.
func TestFileLocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, second, refused bool }{
		{false, false, false}, {false, true, true}, {true, false, true}, {true, true, true},
	} {
		path := imageFile(t, nil)
		f, err := openFile(path, c.first, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		g, err := openFile(path, c.second, 0, 0)
		if c.refused != errors.Is(err, ErrLocked) || !c.refused && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			err = g.Close()
		} else {
			err = nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Error(err)
		}
		if g, err = openFile(path, true, 0, 0); err != nil {
			t.Fatalf("%+v: after it was closed: %v", c, err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFileWaits gives a lock up while OpenFile waits for it; it is taken as cryptsetup
// takes it.
func TestFileWaits(t *testing.T) {
	t.Parallel()
	path := imageFile(t, nil)
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := openFile(path, false, 0, 0); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked file: %v, want %v", err, ErrLocked)
	}
	done := make(chan error)
	go func() {
		f, err := OpenFile(path, true)
		if err == nil {
			err = f.Close()
		}
		done <- err
	}()
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
