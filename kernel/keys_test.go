package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// keySpy keeps the buffers of all calls.
type keySpy struct {
	kernel.System
	mu      sync.Mutex
	buffers [][]byte
}

type keySpyTransport struct {
	kernel.Transport
	spy *keySpy
}

func (s *keySpy) OpenControl(path string) (kernel.Transport, error) {
	t, err := s.System.OpenControl(path)
	return keySpyTransport{t, s}, err
}

func (s keySpyTransport) Ioctl(number uint32, buf []byte) error {
	s.spy.mu.Lock()
	s.spy.buffers = append(s.spy.buffers, buf)
	s.spy.mu.Unlock()
	return s.Transport.Ioctl(number, buf)
}

// TestKeysAreWiped finds no key in any buffer after use, whether the call worked or not, on
// kernels that wipe and on older ones.
func TestKeysAreWiped(t *testing.T) {
	t.Parallel()
	for _, minor := range []uint32{19, 48} {
		k := kerneltest.New(t, kerneltest.Options{Minor: minor})
		k.AddDisk(disk, 16*mib)
		spy := &keySpy{System: k}
		c, err := kernel.Open(kernel.Options{System: spy})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var keyed []tables.Table
		for i := range uint64(100) { // the table needs more than the first buffer
			keyed = append(keyed, tables.CryptTable{
				Start: i * mib / 128, Length: mib / 128, BackendDevice: disk, Encryption: "aes-xts-plain64", Key: bytes.Repeat([]byte{0x5a}, 64),
			})
		}
		k.Inject(kerneltest.Fault{Call: "load", Err: syscall.ENOMEM})
		if _, err := c.CreateAndLoad(context.Background(), "data", kernel.ActivateOptions{}, keyed...); !errors.Is(err, syscall.ENOMEM) || strings.Contains(err.Error(), "5a5a") {
			t.Errorf("load: %v", err)
		}
		activate(t, c, "data", keyed...)
		ts, err := c.Table(kernel.ByName("data"), kernel.TableOptions{})
		if err != nil || len(ts) != 100 || !bytes.Equal(ts[99].(tables.CryptTable).Key, bytes.Repeat([]byte{0x5a}, 64)) {
			t.Errorf("table: %v", err)
		}
		text := []byte("key set 5a5a")
		if _, err := c.Message(kernel.ByName("data"), 0, text, kernel.MessageOptions{}); !errors.Is(err, kernel.ErrInvalid) || string(text) != "key set 5a5a" {
			t.Errorf("message %q: %v", text, err)
		}
		remove(t, c, "data")
		if len(spy.buffers) < 8 {
			t.Errorf("%d buffers seen", len(spy.buffers))
		}
		for i, b := range spy.buffers {
			if bytes.Contains(b, []byte("5a5a")) {
				t.Errorf("minor %d: a key is left in buffer %d of %d", minor, i, len(spy.buffers))
			}
		}
	}
}
