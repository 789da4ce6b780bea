package ui

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
)

// swapChunk is how many bytes a Patch exchanges at a time.
const swapChunk = 1 << 20

// Patch collects bytes that are to be put into an existing file or block device at
// their offsets. Until [CommitAll] the file is not touched: the bytes wait in a nameless
// file. Committing exchanges them with what the file holds there, so a failure on
// the way, a full disk for one, puts everything back and cuts the file to its old
// size. WriteAt and ReadAt may be called concurrently; both use offsets of the file.
type Patch struct {
	file    *os.File
	path    string
	oldSize int64
	device  bool

	scratch *scratchFile // new bytes, at offset minus base; after finish the old ones
	base    int64

	mu      sync.Mutex
	extents []extent // written ranges, sorted, apart
	swapped bool
	closed  bool
}

// extent is the range [begin, end) in bytes.
type extent struct{ begin, end int64 }

// OpenPatch opens an existing regular file or block device (exclusively) for bytes
// at offset base and beyond.
func OpenPatch(path string, base int64) (*Patch, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Failf("opening output: %w", err)
	}
	p := &Patch{path: path, base: base, device: isBlockDevice(info.Mode()), oldSize: info.Size()}
	flag := os.O_RDWR
	switch {
	case p.device:
		flag |= os.O_EXCL
	case !info.Mode().IsRegular():
		return nil, Failf("opening output: %s is neither a regular file nor a block device", path)
	}
	if p.file, err = os.OpenFile(path, flag, 0); err != nil {
		return nil, Failf("opening output: %w", err)
	}
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, p.file.Close())
	}
	return p, nil
}

func (p *Patch) prepare() (err error) {
	if p.device {
		if p.oldSize, err = p.file.Seek(0, io.SeekEnd); err != nil {
			return Failf("opening output: size of %s: %w", p.path, reason(err))
		}
	}
	dir := filepath.Dir(p.path)
	if p.device {
		dir = "" // /dev holds no data
	}
	if p.scratch, err = newScratch(dir); err != nil {
		return Failf("making room for new bytes of %s: %w", p.path, err)
	}
	return nil
}

// Path is the name of the file.
func (p *Patch) Path() string { return p.path }

// Size is the size the file will have, in bytes.
func (p *Patch) Size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := p.oldSize
	if n := len(p.extents); n > 0 {
		size = max(size, p.extents[n-1].end)
	}
	return size
}

// Grow makes the file at least size bytes long; a block device must be. A size in
// front of the area asks for nothing.
func (p *Patch) Grow(size int64) error {
	if size <= max(p.base, p.Size()) {
		return nil
	}
	_, err := p.WriteAt([]byte{0}, size-1)
	return err
}

// WriteAt keeps b for offset off of the file.
func (p *Patch) WriteAt(b []byte, off int64) (int, error) {
	if off < p.base || off > math.MaxInt64-int64(len(b)) {
		return 0, fmt.Errorf("writing %s: offset %d is outside the area from %d on", p.path, off, p.base)
	}
	if p.device && off+int64(len(b)) > p.oldSize {
		return 0, Failf("writing %s: %d bytes at offset %d do not fit: the device has %s", p.path, len(b), off, FormatSize(p.oldSize))
	}
	n, err := p.scratch.WriteAt(b, off-p.base)
	if err != nil {
		return n, Failf("writing new bytes of %s: %w", p.path, reason(err))
	}
	p.mu.Lock()
	p.add(extent{off, off + int64(n)})
	p.mu.Unlock()
	return n, nil
}

// add merges e into the sorted list.
func (p *Patch) add(e extent) {
	if e.begin == e.end {
		return
	}
	first := 0
	for first < len(p.extents) && p.extents[first].end < e.begin {
		first++
	}
	last := first
	for last < len(p.extents) && p.extents[last].begin <= e.end {
		e.begin = min(e.begin, p.extents[last].begin)
		e.end = max(e.end, p.extents[last].end)
		last++
	}
	rest := append([]extent{e}, p.extents[last:]...)
	p.extents = append(p.extents[:first], rest...)
}

// ReadAt reads the file as it will be: new bytes where some were written, old ones
// and, past the old end, zeros elsewhere.
func (p *Patch) ReadAt(b []byte, off int64) (int, error) {
	size := p.Size()
	if off < 0 || off >= size {
		return 0, io.EOF
	}
	want := b[:min(int64(len(b)), size-off)]
	for done := 0; done < len(want); {
		at := off + int64(done)
		piece, fresh := p.pieceAt(at, want[done:])
		var err error
		if fresh {
			_, err = p.scratch.ReadAt(piece, at-p.base)
		} else {
			err = readZeroFilled(p.file, piece, at)
		}
		if err != nil {
			return done, err
		}
		done += len(piece)
	}
	if len(want) < len(b) {
		return len(want), io.EOF
	}
	return len(want), nil
}

// pieceAt cuts b, which starts at offset off, to what comes from one place.
func (p *Patch) pieceAt(off int64, b []byte) (piece []byte, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.extents {
		if off < e.begin {
			return b[:min(int64(len(b)), e.begin-off)], false
		}
		if off < e.end {
			return b[:min(int64(len(b)), e.end-off)], true
		}
	}
	return b, false
}

// readZeroFilled fills b, with zeros where the file has ended.
func readZeroFilled(f *os.File, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		clear(b[n:])
		return nil
	}
	return err
}

// finish puts the new bytes in place and keeps the old ones.
func (p *Patch) finish() error {
	for i, e := range p.extents {
		if done, err := p.swap(e); err != nil {
			undo := append(append([]extent{}, p.extents[:i]...), extent{e.begin, done})
			return errors.Join(Failf("writing %s: %w", p.path, reason(err)), p.restore(undo))
		}
	}
	if err := p.file.Sync(); err != nil {
		return errors.Join(Failf("writing %s: %w", p.path, reason(err)), p.restore(p.extents))
	}
	p.swapped = true
	return nil
}

// swap exchanges the bytes of e between the file and scratch and returns how far it
// came.
func (p *Patch) swap(e extent) (done int64, err error) {
	fresh, old := make([]byte, swapChunk), make([]byte, swapChunk)
	for off := e.begin; off < e.end; {
		n := min(e.end-off, swapChunk)
		if err := readZeroFilled(p.file, old[:n], off); err != nil {
			return off, err
		}
		if _, err := p.scratch.ReadAt(fresh[:n], off-p.base); err != nil {
			return off, err
		}
		if _, err := p.scratch.WriteAt(old[:n], off-p.base); err != nil {
			return off, err
		}
		if _, err := p.file.WriteAt(fresh[:n], off); err != nil {
			return off + n, err // a part of the chunk may have been written
		}
		off += n
	}
	return e.end, nil
}

// restore puts the old bytes of extents back.
func (p *Patch) restore(extents []extent) error {
	buf := make([]byte, swapChunk)
	for _, e := range extents {
		for off := e.begin; off < min(e.end, p.oldSize); {
			n := min(e.end-off, p.oldSize-off, swapChunk)
			if _, err := p.scratch.ReadAt(buf[:n], off-p.base); err != nil {
				return Failf("putting back old bytes of %s: %w", p.path, reason(err))
			}
			if _, err := p.file.WriteAt(buf[:n], off); err != nil {
				return Failf("putting back old bytes of %s: %w", p.path, reason(err))
			}
			off += n
		}
	}
	if p.device {
		return nil
	}
	return p.file.Truncate(p.oldSize)
}

// publish has nothing to do: the file has its name.
func (p *Patch) publish() error { return nil }

// withdraw takes a finished patch back.
func (p *Patch) withdraw() error {
	if !p.swapped {
		return nil
	}
	return p.restore(p.extents)
}

// Close ends the patch and drops what was not committed. Closing twice does nothing.
func (p *Patch) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	return errors.Join(p.file.Close(), p.scratch.Close())
}
