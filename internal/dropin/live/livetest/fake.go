package livetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// Loops gives out the disks /dev/loop0 to /dev/loop9 of a fake kernel, the lowest free one
// first, and shows them in a sysfs of its own. They have the sizes of disks, not of files.
type Loops struct {
	SysDir string

	t       *testing.T
	control *kernel.Control
	held    [10]bool
}

// NewLoops makes the disks, of size bytes. A test that leaves one open fails.
func NewLoops(t *testing.T, k *kerneltest.Kernel, c *kernel.Control, size uint64) *Loops {
	t.Helper()
	l := &Loops{t: t, SysDir: t.TempDir(), control: c}
	if err := os.MkdirAll(filepath.Join(l.SysDir, "dev/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range l.held {
		name := fmt.Sprint("loop", i)
		devno := kernel.ByDevno(k.AddDisk("/dev/"+name, size)).String()
		if err := errors.Join(
			os.MkdirAll(filepath.Join(l.SysDir, "block", name, "loop"), 0o755),
			os.Symlink("../../block/"+name, filepath.Join(l.SysDir, "dev/block", devno)),
		); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	t.Cleanup(func() {
		if l.held != [10]bool{} {
			t.Errorf("loop devices are left open: %v", l.held)
		}
	})
	return l
}

// loop is one of the disks.
type loop struct {
	loops *Loops
	n     int
}

func (l loop) Path() string { return fmt.Sprint("/dev/loop", l.n) }

func (l loop) Close() error {
	if !l.loops.held[l.n] {
		l.loops.t.Errorf("%s is closed twice", l.Path())
	}
	l.loops.held[l.n] = false
	return nil
}

// Attach is for [live.Machine].
func (l *Loops) Attach(file string, _ activate.LoopOptions) (live.Loop, error) {
	used := l.held
	entries, err := l.control.List(kernel.ListOptions{})
	for _, e := range entries {
		deps, _ := l.control.Deps(kernel.ByName(e.Name), kernel.DepsOptions{})
		for _, d := range deps {
			if n := kernel.Minor(d); kernel.Major(d) == 7 && int(n) < len(used) {
				used[n] = true
			}
		}
	}
	n := slices.Index(used[:], false)
	if err != nil || n < 0 {
		return nil, errors.Join(err, errors.New("no free loop device"))
	}
	l.held[n] = true
	backing := filepath.Join(l.SysDir, "block", fmt.Sprint("loop", n), "loop/backing_file")
	return loop{l, n}, os.WriteFile(backing, []byte(file+"\n"), 0o600)
}

// Keyring takes keys as the kernel's does, and knows how many it has.
type Keyring struct{ Held int }

// Add is for [activate.Keyring].
func (k *Keyring) Add(activate.KeyType, string, []byte) (int, error) {
	k.Held++
	return k.Held, nil
}

// Remove is for [activate.Keyring].
func (k *Keyring) Remove(int) error {
	k.Held--
	return nil
}

// Fake is a machine with a fake kernel whose loop devices have size bytes.
func Fake(t *testing.T, size uint64) (live.Machine, *kerneltest.Kernel, *kernel.Control) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("paths of devices and files are another thing there")
	}
	k := kerneltest.New(t, kerneltest.Options{})
	c := k.Open(kernel.Options{})
	l, ring := NewLoops(t, k, c, size), new(Keyring)
	t.Cleanup(func() {
		if ring.Held != 0 {
			t.Errorf("%d keys are left in the keyring", ring.Held)
		}
	})
	return live.Machine{System: k, Keyring: ring, AttachLoop: l.Attach, SysDir: l.SysDir, RemoveWait: time.Nanosecond}, k, c
}
