//go:build unix

package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func testCache(t *testing.T) cache {
	t.Helper()
	c := cache{t.TempDir()}
	for _, dir := range []string{"debs", "pins", "kernels", "modules", "runs"} {
		if err := os.Mkdir(c.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestPin(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	if got, err := c.pin("linux-6.1"); got != "" || err != nil {
		t.Errorf("before: %q, %v", got, err)
	}
	for _, want := range []string{"a.deb", "b.deb"} {
		if err := c.setPin("linux-6.1", want); err != nil {
			t.Fatal(err)
		}
		if got, err := c.pin("linux-6.1"); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if left, err := filepath.Glob(c.path("tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestMake checks that a folder of the cache is there whole or not at all, and that
// it is made once.
func TestMake(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	final := c.path("kernels", "k")
	broken := errors.New("broken")
	err := c.make("k", final, func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o600), broken)
	})
	if !errors.Is(err, broken) || c.has("kernels", "k") {
		t.Fatalf("after a failure: %v, there: %t", err, c.has("kernels", "k"))
	}
	if err := os.Mkdir(c.path("tmp-k-interrupted"), 0o755); err != nil {
		t.Fatal(err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			unlock, err := c.lock(t.Context(), "k")
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			err = c.make("k", final, func(dir string) error {
				made.Add(1)
				return os.WriteFile(filepath.Join(dir, "whole"), nil, 0o600)
			})
			if err != nil || !c.has("kernels", "k", "whole") {
				t.Errorf("%v, there: %t", err, c.has("kernels", "k", "whole"))
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times, want once", made.Load())
	}
	if left, err := filepath.Glob(c.path("tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestScratch removes what a killed program left, and nothing that is in use.
func TestScratch(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	used, remove, err := c.scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := c.path("runs", "left")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	other, removeOther, err := c.scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was left: %v, want it removed", err)
	}
	if _, err := os.Stat(used); err != nil || used == other {
		t.Errorf("the folder in use: %v", err)
	}
	remove()
	removeOther()
	if left, err := os.ReadDir(c.path("runs")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestLockAny waits for one of two locks, and gives up with its context.
func TestLockAny(t *testing.T) {
	t.Parallel()
	c := testCache(t)
	names := []string{"slot-0", "slot-1"}
	var unlocks []func()
	for range names {
		unlock, err := c.lockAny(t.Context(), names)
		if err != nil {
			t.Fatal(err)
		}
		unlocks = append(unlocks, unlock)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.lockAny(cancelled, names); !errors.Is(err, context.Canceled) {
		t.Errorf("both taken: got %v, want %v", err, context.Canceled)
	}
	unlocks[1]()
	unlock, err := c.lockAny(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	unlocks[0]()
}

func TestDependency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text, line, want string
	}{
		{"of the line", "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n", "6.1", "linux-image-6.1.0-56-cloud-amd64"},
		{"of another line", "linux-image-cloud-amd64\n  Depends: linux-image-6.12.117+deb13-cloud-amd64\n", "6.1", ""},
		{"after others", "x\n  Depends: base\n  Depends: linux-image-6.12.1-cloud-amd64\n", "6.12", "linux-image-6.12.1-cloud-amd64"},
		{"a suggestion", "x\n  Suggests: linux-image-6.12.1-cloud-amd64\n", "6.12", ""},
		{"nothing", "", "6.12", ""},
	} {
		if got := dependency(c.text, c.line); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHeaderPackages(t *testing.T) {
	t.Parallel()
	text := "linux-headers-6.12.1-cloud-amd64\n  Depends: linux-base\n  Depends: linux-headers-6.12.1-common\n |Depends: linux-image-6.12.1\n  Depends: linux-kbuild-6.12.1\n  Depends: gcc-12\n"
	if got, want := strings.Join(headerPackages(text), " "), "linux-headers-6.12.1-common linux-kbuild-6.12.1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
