package volume_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// TestBytesEveryOffset reads and writes every offset and length around the
// units of a small volume.
func TestBytesEveryOffset(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"0 8 linear a 0",
		"0 24 crypt aes-xts-plain64 " + key512 + " 0 a 0 1 sector_size:4096",
	} {
		m := mustOpen(t, disks(32), os.O_RDWR, line)
		b := volume.Bytes(m)
		size, _ := m.Size()
		model := mustRead(t, m, 0, int(size))
		unit := m.Alignment()
		for _, off := range []int{0, 1, unit - 1, unit, unit + 1, 2*unit - 3} {
			for _, n := range []int{0, 1, 2, unit - 1, unit, unit + 1, 2 * unit, 2*unit + 5, int(size)} {
				n = min(n, int(size)-off)
				p := noise(uint64(off+n), n)
				copy(model[off:], p)
				if k, err := b.WriteAt(p, int64(off)); k != n || err != nil {
					t.Fatalf("%q: WriteAt(%d bytes, %d) = %d, %v", line, n, off, k, err)
				}
				got := dirty(n)
				if k, err := b.ReadAt(got, int64(off)); k != n || err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%q: ReadAt(%d bytes, %d) = %d, %v", line, n, off, k, err)
				}
			}
		}
		if !bytes.Equal(mustRead(t, m, 0, int(size)), model) {
			t.Errorf("%q: bytes beside the writes have changed", line)
		}
	}
}

// TestBytesEnd: io semantics at the end.
func TestBytesEnd(t *testing.T) {
	t.Parallel()
	b := volume.Bytes(mustOpen(t, disks(2), os.O_RDWR, "0 2 linear a 0"))
	for _, c := range []struct {
		off, length int64
		n           int
		err         error
	}{
		{1020, 4, 4, nil},
		{1020, 5, 4, io.EOF},
		{1024, 1, 0, io.EOF},
		{5000, 1, 0, io.EOF},
		{1024, 0, 0, nil},
		{-1, 1, 0, fs.ErrInvalid},
	} {
		if n, err := b.ReadAt(make([]byte, c.length), c.off); n != c.n || !errors.Is(err, c.err) {
			t.Errorf("ReadAt(%d bytes, %d) = %d, %v, want %d, %v", c.length, c.off, n, err, c.n, c.err)
		}
	}
	for _, c := range []struct {
		off, length int64
		err         error
	}{
		{1020, 4, nil}, {1020, 5, volume.ErrPastEnd}, {1024, 1, volume.ErrPastEnd}, {-1, 1, fs.ErrInvalid}, {1<<63 - 1, 5, volume.ErrPastEnd},
	} {
		n, err := b.WriteAt(make([]byte, c.length), c.off)
		if !errors.Is(err, c.err) || err != nil && n != 0 {
			t.Errorf("WriteAt(%d bytes, %d) = %d, %v, want %v", c.length, c.off, n, err, c.err)
		}
	}
}

// TestBytesNeighbours: concurrent writes to different bytes of one sector all
// survive.
func TestBytesNeighbours(t *testing.T) {
	t.Parallel()
	f := disks(8)
	b := volume.Bytes(mustOpen(t, f, os.O_RDWR, "0 8 linear a 0"))
	want := noise(3, 8*sector)
	var wg sync.WaitGroup
	const step = 61 // several in a sector, and some across two
	for start := range step {
		wg.Go(func() {
			for off := start; off < len(want); off += step {
				if _, err := b.WriteAt(want[off:off+1], int64(off)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(f.Devices["a"].Bytes(), want) {
		t.Error("writes to neighbouring bytes were lost")
	}
}

// TestBytesFailures: bytes before the sector that fails are delivered; a part
// of a sector that cannot be read is not written over.
func TestBytesFailures(t *testing.T) {
	t.Parallel()
	f := disks(8)
	cause := errors.New("worn out")
	f.Devices["a"].FailRead(3*sector, sector, cause)
	want := f.Devices["a"].Bytes()
	b := volume.Bytes(mustOpen(t, f, os.O_RDWR, "0 8 linear a 0"))
	got := dirty(4 * sector)
	if n, err := b.ReadAt(got, 100); n != 3*sector-100 || !errors.Is(err, cause) || !bytes.Equal(got[:n], want[100:3*sector]) {
		t.Errorf("ReadAt = %d, %v, want %d, %v", n, err, 3*sector-100, cause)
	}
	if n, err := b.WriteAt(make([]byte, 10), 3*sector+5); n != 0 || !errors.Is(err, cause) {
		t.Errorf("WriteAt = %d, %v, want 0, %v", n, err, cause)
	}
	if !bytes.Equal(f.Devices["a"].Bytes(), want) {
		t.Error("the failed write changed the device")
	}
	if n, err := b.WriteAt(make([]byte, sector), 3*sector); n != sector || err != nil {
		t.Errorf("WriteAt of the whole sector = %d, %v", n, err)
	}
}

// TestBytesOfOddSize: a device that ends inside a unit.
func TestBytesOfOddSize(t *testing.T) {
	t.Parallel()
	m := volumetest.NewMemory(noise(1, 1300))
	want := m.Bytes()
	b := volume.Bytes(m)
	got := dirty(1300)
	if n, err := b.ReadAt(got, 0); n != 1300 || err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadAt = %d, %v", n, err)
	}
	if n, err := b.WriteAt([]byte("end"), 1297); n != 3 || err != nil || !bytes.HasSuffix(m.Bytes(), []byte("end")) {
		t.Errorf("WriteAt at the end = %d, %v", n, err)
	}
}

// TestBytesPassesOn: size, flush, holes and closing are the device's.
func TestBytesPassesOn(t *testing.T) {
	t.Parallel()
	f := disks(8)
	f.Devices["a"].CloseErr = errors.New("cannot close a")
	b := volume.Bytes(mustOpen(t, f, os.O_RDWR, "0 8 linear a 0", "8 8 zero"))
	if size, err := b.Size(); size != 16*sector || err != nil {
		t.Errorf("Size() = %d, %v", size, err)
	}
	if err := b.Sync(); err != nil || f.Devices["a"].Syncs() != 1 {
		t.Errorf("Sync: %v, %d flushes of the device", err, f.Devices["a"].Syncs())
	}
	if list, err := b.Extents(0, 16*sector); err != nil || len(list) != 1 || list[0] != (volume.Extent{Length: 8 * sector}) {
		t.Errorf("Extents = %v, %v", list, err)
	}
	if list, err := volume.Bytes(&bare{}).Extents(5, 10); err != nil || len(list) != 1 || list[0] != (volume.Extent{Offset: 5, Length: 10}) {
		t.Errorf("Extents of a device that does not know = %v, %v", list, err)
	}
	if err := b.Close(); !errors.Is(err, f.Devices["a"].CloseErr) {
		t.Errorf("Close: %v, want %v", err, f.Devices["a"].CloseErr)
	}
}

// bare is a backend without anything optional.
type bare struct{ volume.Backend }
