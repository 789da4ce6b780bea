package volume_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// FuzzOpen opens arbitrary tables over small memory devices, for reading and
// for writing, and reads and writes anywhere: no panic, no hang, nothing read
// that was not there, nothing left open.
func FuzzOpen(f *testing.F) {
	for _, lines := range append([][]string{
		manyDevices,
		{"0 8 linear a 0"},
		{"0 63 striped 3 7 a 3 b 0 c 7"},
		{"0 32 unstriped 4 8 3 a 0"},
		{"0 16 unstriped 1 8 1 a 0"},
		{"0 64 crypt aes:2-cbc-essiv:sha256 " + key512 + " 8 a 8 1 sector_size:4096"},
		{"0 64 crypt cipher_null-ecb - 0 a 0"},
		{"0 64 crypt capi:xts(aes)-plain64 :64:user:k 0 a 0 3 allow_discards sector_size:1024 iv_large_sectors"},
		{"0 64 verity 1 a b 4096 4096 8 1 sha256 " + root256 + " 00"},
		{"0 64 verity 0 a b 512 1024 64 1 md5 " + root256[:32] + " - 1 ignore_zero_blocks"},
		{"0 64 verity 1 a b 4096 4096 8 1 sha256 " + root256 + " - 9 ignore_corruption use_fec_from_device c fec_blocks 9 fec_start 0 fec_roots 2"},
		{"0 8 error", "8 8 zero", "16 8 delay a 0 0 b 0 0 c 0 0"},
	}, []string{"0 9007199254740992 unstriped 9007199254740992 1 1 a 0"}) {
		f.Add(strings.Join(lines, "\n"), int64(512), uint16(4096))
	}
	f.Fuzz(func(t *testing.T, text string, off int64, n uint16) {
		ts, err := tables.Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, flag := range []int{os.O_RDONLY, os.O_RDWR} {
			files := &anyFiles{}
			m, err := volume.Open(volume.Options{
				Flag: flag, Open: files.open,
				Key: func(string) ([]byte, error) { return make([]byte, 64), nil },
			}, ts...)
			if err == nil {
				use(t, m, off, int(n))
				err = m.Close()
				if err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			for name, d := range files.devices {
				if d.Closes() != 1 {
					t.Errorf("device %q was closed %d times", name, d.Closes())
				}
			}
		}
	})
}

// use reads and writes what it can.
func use(t *testing.T, m *volume.Mapped, off int64, n int) {
	size, err := m.Size()
	if err != nil || size <= 0 || size%sector != 0 {
		t.Fatalf("Size() = %d, %v", size, err)
	}
	p := dirty(n)
	if k, err := m.ReadAt(p, off); k > len(p) || k < len(p) && err == nil {
		t.Fatalf("ReadAt(%d bytes, %d) = %d, %v", n, off, k, err)
	}
	if k, err := volume.Bytes(m).ReadAt(p, off); k < len(p) && err == nil {
		t.Fatalf("any offset: ReadAt(%d bytes, %d) = %d, %v", n, off, k, err)
	}
	if k, err := m.WriteAt(p, off); k > len(p) || k < len(p) && err == nil {
		t.Fatalf("WriteAt(%d bytes, %d) = %d, %v", n, off, k, err)
	}
	m.BlockAt(off)
	m.Unreadable(off)
	if _, err := m.Extents(0, size); err != nil {
		t.Errorf("Extents: %v", err)
	}
	length := min(size, 64<<10) / int64(m.Alignment()) * int64(m.Alignment())
	if _, err := volume.ReadRange(context.Background(), m, io.Discard, 0, length, volume.ReadOptions{KeepGoing: true}); err != nil {
		t.Errorf("ReadRange: %v", err)
	}
}

// anyFiles has a small device under every name.
type anyFiles struct{ devices map[string]*volumetest.Memory }

func (f *anyFiles) open(name string, _ int, _ fs.FileMode) (volume.Backend, error) {
	if len(f.devices) > 20 {
		return nil, fmt.Errorf("too many: %w", volume.ErrNoDevice)
	}
	if f.devices == nil {
		f.devices = make(map[string]*volumetest.Memory)
	}
	m := volumetest.NewMemory(bytes.Repeat([]byte{1, 2, 3, 4}, 16<<10))
	f.devices[name] = m
	return m, nil
}
