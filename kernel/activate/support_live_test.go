//go:build linux

package activate_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// live is an Activator over the real kernel.
type live struct {
	*activate.Activator
	control *kernel.Control
	keyring *watchedKeyring
}

func newLive(t *testing.T) *live {
	t.Helper()
	labtest.Inside(t)
	l := &live{control: kerneltest.Require(t), keyring: &watchedKeyring{t: t}}
	l.Activator = activate.New(l.control, activate.Options{Keyring: l.keyring})
	return l
}

// remove removes a device at the end of a test step.
func (l *live) remove(t *testing.T, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := l.Remove(ctx, name, activate.RemoveOptions{}); err != nil {
		t.Error(err)
	}
}

// expectGone checks that there is no such device.
func (l *live) expectGone(t *testing.T, name string) {
	t.Helper()
	if _, err := l.control.Info(kernel.ByName(name), kernel.InfoOptions{}); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("%s is still there: %v", name, err)
	}
}

// watchedKeyring is the kernel's. It makes sure that a key is there while it should be,
// and not afterwards.
type watchedKeyring struct {
	t       *testing.T
	mu      sync.Mutex
	history []string
}

func (w *watchedKeyring) Add(kind activate.KeyType, description string, payload []byte) (int, error) {
	id, err := activate.MachineKeyring.Add(kind, description, payload)
	if err != nil {
		return id, err
	}
	w.mu.Lock()
	w.history = append(w.history, string(kind)+" "+description)
	w.mu.Unlock()
	if found, err := unix.KeyctlSearch(unix.KEY_SPEC_THREAD_KEYRING, string(kind), description, 0); err != nil || found != id {
		w.t.Errorf("the key %s is not found: %d, %v", description, found, err)
	}
	_, err = unix.KeyctlBuffer(unix.KEYCTL_READ, id, make([]byte, len(payload)), 0)
	if readable := err == nil; readable != (kind == activate.UserKey) {
		w.t.Errorf("a %s key can be read: %t (%v)", kind, readable, err)
	}
	return id, nil
}

func (w *watchedKeyring) Remove(id int) error {
	err := activate.MachineKeyring.Remove(id)
	if n, rerr := unix.KeyctlBuffer(unix.KEYCTL_READ, id, make([]byte, 64), 0); rerr == nil {
		w.t.Errorf("%d bytes of the key can be read after its removal", n)
	}
	size, lerr := unix.KeyctlBuffer(unix.KEYCTL_READ, unix.KEY_SPEC_THREAD_KEYRING, make([]byte, 64), 0)
	if size != 0 || lerr != nil {
		w.t.Errorf("the thread's keyring holds %d bytes of keys, %v", size, lerr)
	}
	return err
}

// file writes a file.
func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// loopOf is a loop device on a file until the test ends.
func loopOf(t *testing.T, path string, o activate.LoopOptions) string {
	t.Helper()
	l, err := activate.AttachLoop(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l.Path()
}

// readNode reads a block device.
func readNode(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return io.ReadAll(f)
}
