package loop_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/internal/lab/loop"
)

func image(t *testing.T, size int) (file string, content []byte) {
	t.Helper()
	content = make([]byte, size)
	rand.Read(content)
	file = filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, content
}

func TestRead(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	file, content := image(t, 64<<10+100)
	for _, c := range []struct {
		name    string
		options loop.Options
		want    []byte
	}{
		{"whole sectors", loop.Options{}, content[:64<<10]},
		{"offset", loop.Options{Offset: 4096}, content[4096 : 64<<10]},
		{"part", loop.Options{Offset: 512, Size: 1024}, content[512:1536]},
		{"read only", loop.Options{ReadOnly: true, Size: 8192}, content[:8192]},
		{"blocks of 4 KiB", loop.Options{BlockSize: 4096}, content[:64<<10]},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := os.ReadFile(labtest.DiskOf(t, file, c.options))
			if err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("read %d bytes, %v, want the %d of the file", len(got), err, len(c.want))
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	file, content := image(t, 8192)
	device, err := loop.Attach(file, loop.Options{Offset: 4096})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(device.Path(), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[4096:], "written through the device")
	_, err = f.WriteAt(content[4096:], 0)
	if err := errors.Join(err, f.Sync(), f.Close(), device.Detach(), device.Detach()); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file does not hold what was written: %v", err)
	}
}

// TestManyAtOnce lets all ask for the free device at the same time.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	file, _ := image(t, 4096)
	const count = 32
	devices := make([]*loop.Device, count)
	errs := make([]error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() { devices[i], errs[i] = loop.Attach(file, loop.Options{ReadOnly: true}) })
	}
	all.Wait()
	paths := map[string]bool{}
	for i, d := range devices {
		if errs[i] != nil {
			t.Error(errs[i])
			continue
		}
		paths[d.Path()] = true
		if err := d.Detach(); err != nil {
			t.Error(err)
		}
	}
	if len(paths) != count {
		t.Errorf("%d attachments got %d devices", count, len(paths))
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	if _, err := loop.Attach(filepath.Join(t.TempDir(), "absent"), loop.Options{}); err == nil {
		t.Error("attached a file that does not exist")
	} else if want := os.ErrNotExist; runtime.GOOS == "linux" && !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	labtest.Inside(t)
	file, _ := image(t, 4096)
	if _, err := loop.Attach(file, loop.Options{BlockSize: 100}); err == nil {
		t.Error("attached with blocks of 100 bytes")
	}
}
