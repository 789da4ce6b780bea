package volume

import (
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/dmimg/dmimg/tables"
)

// ByteVolume gives access at any offset and length to a device that takes
// whole sectors only. Methods may be called concurrently, also for bytes of
// one sector, as long as nobody writes to the device behind its back.
type ByteVolume struct {
	device Backend
	unit   int64 // what the device wants multiples of

	// edges is held for writing by a write that changes part of a sector, and
	// for reading by all other writes: between the read and the write of such a
	// sector nobody else may write it.
	edges   sync.RWMutex
	scratch sync.Pool // of *[]byte, unit bytes each
}

// Bytes returns access at any offset to v, a [Mapped] or anything else. Aligned
// parts of a read or write go straight through; sectors that are written in
// part are read first. It owns v: Close closes it.
func Bytes(v Backend) *ByteVolume {
	b := &ByteVolume{device: v, unit: int64(max(limitsOf(v).align, tables.SectorSize))}
	b.scratch.New = func() any {
		buf := make([]byte, b.unit)
		return &buf
	}
	return b
}

// Size returns the size of the device in bytes.
func (b *ByteVolume) Size() (int64, error) { return b.device.Size() }

// Sync makes what was written durable.
func (b *ByteVolume) Sync() error { return b.device.Sync() }

// Close closes the device.
func (b *ByteVolume) Close() error { return b.device.Close() }

// ReadAt reads at any offset, as io.ReaderAt says.
func (b *ByteVolume) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("volume: reading at offset %d: %w", off, fs.ErrInvalid)
	}
	size, err := b.device.Size()
	if err != nil {
		return 0, err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= size {
		return 0, io.EOF
	}
	want := len(p)
	n, err := b.walk(upTo(p, size-off), off, size, false)
	if err == nil && n < want {
		err = io.EOF
	}
	return n, err
}

// WriteAt writes at any offset. A write past the end is ErrPastEnd and writes
// nothing.
func (b *ByteVolume) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("volume: writing at offset %d: %w", off, fs.ErrInvalid)
	}
	size, err := b.device.Size()
	if err != nil {
		return 0, err
	}
	if off > size || int64(len(p)) > size-off {
		return 0, fmt.Errorf("volume: writing %d bytes at %d of %d: %w", len(p), off, size, ErrPastEnd)
	}
	if off%b.unit == 0 && int64(len(p))%b.unit == 0 {
		b.edges.RLock()
		defer b.edges.RUnlock()
	} else {
		b.edges.Lock()
		defer b.edges.Unlock()
	}
	return b.walk(p, off, size, true)
}

// walk moves p: a part of a unit through a scratch buffer, whole units
// directly, and a part of a unit again.
func (b *ByteVolume) walk(p []byte, off, size int64, write bool) (int, error) {
	for done := 0; done < len(p); {
		at, rest := off+int64(done), p[done:]
		var n int
		var err error
		if room := int64(len(rest)); at%b.unit == 0 && room >= b.unit {
			n, err = transfer(b.device, rest[:room-room%b.unit], at, write)
		} else {
			n, err = b.part(rest, at, size, write)
		}
		done += n
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}

// part moves the bytes of p that lie in the unit around at.
func (b *ByteVolume) part(p []byte, at, size int64, write bool) (int, error) {
	buf := b.scratch.Get().(*[]byte)
	defer b.scratch.Put(buf)
	start := at - at%b.unit
	unit := (*buf)[:min(b.unit, size-start)]
	if n, err := transfer(b.device, unit, start, false); err != nil {
		if write {
			return 0, err
		}
		return max(0, copy(p, unit[min(int64(n), at-start):n])), err
	}
	if !write {
		return copy(p, unit[at-start:]), nil
	}
	n := copy(unit[at-start:], p)
	if m, err := transfer(b.device, unit, start, true); err != nil {
		return max(0, min(n, m-int(at-start))), err
	}
	return n, nil
}

// Extents lists what may hold data, as far as the device knows.
func (b *ByteVolume) Extents(off, length int64) ([]Extent, error) {
	if x, ok := b.device.(Extenter); ok {
		return x.Extents(off, length)
	}
	return whole(off, length), nil
}

// BlockAt returns the bytes around off that fail as a whole.
func (b *ByteVolume) BlockAt(off int64) Extent { return blockAt(b.device, off, b.unit) }

// Unreadable returns how many bytes from off on are known to be unreadable.
func (b *ByteVolume) Unreadable(off int64) int64 { return unreadable(b.device, off) }
