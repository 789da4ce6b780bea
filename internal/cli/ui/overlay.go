package ui

import (
	"fmt"
	"io"
	"sync"
)

// Overlay reads like another reader, except for blocks that were written to it. They
// wait in a scratch file; what is below is never changed. Memory is one bit for each
// block up to the last written. Methods may be called concurrently, Close last.
type Overlay struct {
	base    io.ReaderAt
	unit    int64 // bytes of a block
	scratch *scratchFile

	mu      sync.RWMutex
	written []uint64 // bitmap of blocks
}

// NewOverlay puts an overlay with blocks of unit bytes over base, which it does not
// close.
func NewOverlay(base io.ReaderAt, unit int) (*Overlay, error) {
	scratch, err := newScratch("")
	if err != nil {
		return nil, Failf("making room for changed blocks: %w", err)
	}
	return &Overlay{base: base, unit: int64(unit), scratch: scratch}, nil
}

// WriteAt writes whole blocks.
func (o *Overlay) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off%o.unit != 0 || int64(len(p))%o.unit != 0 {
		return 0, fmt.Errorf("overlay: %d bytes at offset %d are not whole blocks of %d bytes", len(p), off, o.unit)
	}
	n, err := o.scratch.WriteAt(p, off)
	if err != nil {
		return n, Failf("keeping changed blocks: %w", reason(err))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for b := off / o.unit; b < (off+int64(len(p)))/o.unit; b++ {
		for int64(len(o.written)) <= b/64 {
			o.written = append(o.written, 0)
		}
		o.written[b/64] |= 1 << (b % 64)
	}
	return n, nil
}

// ReadAt reads anywhere.
func (o *Overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("overlay: negative offset %d", off)
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		length, fresh := o.run(at, int64(len(p)-done))
		from := o.base
		if fresh {
			from = o.scratch
		}
		n, err := from.ReadAt(p[done:done+int(length)], at)
		done += n
		if int64(n) < length {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return done, err
		}
	}
	return len(p), nil
}

// run returns how many of n bytes at off come from one place, and whether that is
// what was written.
func (o *Overlay) run(off, n int64) (length int64, fresh bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	first := off / o.unit
	fresh = o.has(first)
	b := first + 1
	for b*o.unit < off+n && o.has(b) == fresh {
		b++
	}
	return min(n, b*o.unit-off), fresh
}

func (o *Overlay) has(block int64) bool {
	return block/64 < int64(len(o.written)) && o.written[block/64]&(1<<(block%64)) != 0
}

// Close drops what was written.
func (o *Overlay) Close() error { return o.scratch.Close() }
