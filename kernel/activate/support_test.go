package activate_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

const mib = 1 << 20

// keyring is a fake: it knows what is in it, and what was.
type keyring struct {
	mu      sync.Mutex
	next    int
	keys    map[int]string // "logon dmimg:name 64"
	history []string
	addErr  error
	remErr  error
}

func (k *keyring) Add(kind activate.KeyType, description string, payload []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.addErr != nil {
		return 0, k.addErr
	}
	k.next++
	if k.keys == nil {
		k.keys = map[int]string{}
	}
	k.keys[k.next] = fmt.Sprintf("%s %s %d", kind, description, len(payload))
	k.history = append(k.history, k.keys[k.next])
	return k.next, nil
}

func (k *keyring) Remove(id int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys[id] == "" {
		return syscall.ENOENT
	}
	delete(k.keys, id)
	return k.remErr
}

// held are the keys that are in now.
func (k *keyring) held() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys)
}

// fake is an Activator over a fake kernel with the disks /dev/data and /dev/hash.
type fake struct {
	*activate.Activator
	kernel  *kerneltest.Kernel
	control *kernel.Control
	keyring *keyring
}

func newFake(t *testing.T, o activate.Options) *fake {
	t.Helper()
	f := &fake{kernel: kerneltest.New(t, kerneltest.Options{}), keyring: new(keyring)}
	f.kernel.AddDisk("/dev/data", 16*mib)
	f.kernel.AddDisk("/dev/hash", mib)
	f.control = f.kernel.Open(kernel.Options{})
	if o.Keyring == nil {
		o.Keyring = f.keyring
	}
	f.Activator = activate.New(f.control, o)
	t.Cleanup(func() {
		if n := f.keyring.held(); n != 0 {
			t.Errorf("%d keys are left in the keyring", n)
		}
	})
	return f
}

// expectDevices checks which devices there are.
func (f *fake) expectDevices(t *testing.T, want ...string) {
	t.Helper()
	if got := f.kernel.Devices(); !slices.Equal(got, want) {
		t.Errorf("devices %q, want %q", got, want)
	}
}

// isAll reports whether err is all of these.
func isAll(err error, targets ...error) bool {
	for _, t := range targets {
		if !errors.Is(err, t) {
			return false
		}
	}
	return true
}
