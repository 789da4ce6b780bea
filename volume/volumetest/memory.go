package volumetest

import (
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/dmimg/dmimg/volume"
)

// Memory is a volume.Backend of bytes in memory, with faults to order. Methods
// may be called concurrently; set the fields before the first use.
type Memory struct {
	ReadOnly bool  // writes are volume.ErrReadOnly
	Block    int   // BlockSize, bytes; 0 means 512
	CloseErr error // what Close returns
	SyncErr  error // what Sync returns
	// Data, if not nil, is what Extents tells: all else is holes, and should
	// be zeros.
	Data []volume.Extent

	mu     sync.RWMutex
	data   []byte
	faults []fault
	closed bool

	reads, writes, syncs, closes atomic.Int64
}

// fault is a range that fails.
type fault struct {
	off, length int64
	err         error
	write       bool
}

// NewMemory returns a device that holds data, which it keeps and changes.
func NewMemory(data []byte) *Memory { return &Memory{data: data} }

// FailRead makes reads of any byte of [off, off+length) fail with err, after
// the bytes before it.
func (m *Memory) FailRead(off, length int64, err error) { m.fail(off, length, err, false) }

// FailWrite does the same for writes.
func (m *Memory) FailWrite(off, length int64, err error) { m.fail(off, length, err, true) }

func (m *Memory) fail(off, length int64, err error, write bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = append(m.faults, fault{off, length, err, write})
}

// Bytes returns a copy of the content.
func (m *Memory) Bytes() []byte {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return append([]byte(nil), m.data...)
}

// Truncate makes the device shorter or longer, as if the file under it changed.
func (m *Memory) Truncate(size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = append(m.data[:min(size, int64(len(m.data)))], make([]byte, max(0, size-int64(len(m.data))))...)
	return nil
}

// ReadAt implements io.ReaderAt.
func (m *Memory) ReadAt(p []byte, off int64) (int, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	m.reads.Add(1)
	if err := m.check(off); err != nil {
		return 0, err
	}
	if off >= int64(len(m.data)) {
		return 0, io.EOF
	}
	good, err := m.fault(off, int64(len(p)), false)
	n := copy(p[:good], m.data[off:])
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// WriteAt implements io.WriterAt.
func (m *Memory) WriteAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes.Add(1)
	if err := m.check(off); err != nil {
		return 0, err
	}
	if m.ReadOnly {
		return 0, volume.ErrReadOnly
	}
	if off > int64(len(m.data)) {
		return 0, io.ErrShortWrite
	}
	good, err := m.fault(off, int64(len(p)), true)
	n := copy(m.data[off:], p[:good])
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

func (m *Memory) check(off int64) error {
	switch {
	case m.closed:
		return fs.ErrClosed
	case off < 0:
		return fmt.Errorf("volumetest: offset %d: %w", off, fs.ErrInvalid)
	}
	return nil
}

// fault says how many bytes come before the first fault, and which it is.
func (m *Memory) fault(off, length int64, write bool) (good int64, err error) {
	good = length
	for _, f := range m.faults {
		if f.write != write || off >= f.off+f.length || off+length <= f.off {
			continue
		}
		if n := max(0, f.off-off); n < good || err == nil {
			good, err = n, f.err
		}
	}
	return good, err
}

// Size returns the size in bytes.
func (m *Memory) Size() (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return 0, fs.ErrClosed
	}
	return int64(len(m.data)), nil
}

// Sync counts, and fails if told so.
func (m *Memory) Sync() error {
	m.syncs.Add(1)
	return m.SyncErr
}

// Close ends the use of the device.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closes.Add(1)
	if m.closed {
		return fs.ErrClosed
	}
	m.closed = true
	return m.CloseErr
}

// Discard fills the range with zeros.
func (m *Memory) Discard(off, length int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if off < 0 || length < 0 || off+length > int64(len(m.data)) {
		return fs.ErrInvalid
	}
	clear(m.data[off : off+length])
	return nil
}

// Extents tells what of a range may hold data: all, or the parts in Data.
func (m *Memory) Extents(off, length int64) ([]volume.Extent, error) {
	if m.Data == nil {
		return []volume.Extent{{Offset: off, Length: length}}, nil
	}
	var list []volume.Extent
	for _, e := range m.Data {
		start, end := max(off, e.Offset), min(off+length, e.Offset+e.Length)
		if start < end {
			list = append(list, volume.Extent{Offset: start, Length: end - start})
		}
	}
	return list, nil
}

// BlockSize is what volume.Blocked wants.
func (m *Memory) BlockSize() int { return max(m.Block, 512) }

// Reads counts the calls of ReadAt.
func (m *Memory) Reads() int64 { return m.reads.Load() }

// Writes counts the calls of WriteAt.
func (m *Memory) Writes() int64 { return m.writes.Load() }

// Syncs counts the calls of Sync.
func (m *Memory) Syncs() int64 { return m.syncs.Load() }

// Closes counts the calls of Close.
func (m *Memory) Closes() int64 { return m.closes.Load() }
