package crypt

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
)

// Storage is where a [Device] keeps its ciphertext. Calls on it may be
// concurrent, for ranges that do not overlap.
type Storage interface {
	io.ReaderAt
	io.WriterAt
}

// Device is the plaintext view of encrypted storage. Offsets and lengths are
// bytes and must be multiples of SectorSize. Methods may be called
// concurrently; writes that overlap other calls leave each sector in one of the
// states, as on a disk. Close waits for the calls in progress.
//
// Large reads and writes are worked on by up to GOMAXPROCS goroutines, which
// overlaps I/O and encryption; small ones start none and allocate nothing.
type Device struct {
	storage Storage // nil with tagged
	offset  int64   // bytes: where sector 0 is in storage
	unit    int     // bytes of an encryption sector
	tagged  *tagged // storage and engine of a device with tags; else nil

	helpers chan struct{} // a slot for each goroutine that helps a large call

	mu     sync.RWMutex // held for reading during I/O
	engine *engine      // nil once closed, and with tagged
}

// NewDevice returns a device whose sector 0 is at offset, in bytes, of s. It
// does not close s. Errors are those of [NewCipher]; a config with integrity, which
// is for [NewAEADDevice], wraps [ErrUnsupported].
func NewDevice(s Storage, offset int64, c Config) (*Device, error) {
	if offset < 0 {
		return nil, fmt.Errorf("crypt: negative device offset %d", offset)
	}
	e, err := newEngine(c)
	if err != nil {
		return nil, err
	}
	d := newDevice(e.unit)
	d.storage, d.offset, d.engine = s, offset, e
	return d, nil
}

// newDevice returns a device without storage and engine.
func newDevice(unit int) *Device {
	return &Device{unit: unit, helpers: make(chan struct{}, runtime.GOMAXPROCS(0)-1)}
}

// SectorSize returns the encryption sector in bytes, the unit of all offsets
// and lengths. It remains valid after Close.
func (d *Device) SectorSize() int { return d.unit }

// ReadAt decrypts len(p) bytes at off into p, as [io.ReaderAt]. Offset and
// length that are not multiples of SectorSize give [ErrUnaligned]. Where the
// storage ends, the whole sectors before the end are returned with io.EOF. An
// error of the storage is wrapped with the offset in it; the sectors before it
// are returned. So are those before a sector whose tag is wrong, which is an
// [*IntegrityError]; what p holds behind them is no plaintext of this call's.
func (d *Device) ReadAt(p []byte, off int64) (int, error) {
	return d.do(p, off, (*Device).readChunk)
}

// WriteAt encrypts p and writes it at off, as [io.WriterAt]. It does not change
// p. Offset and length that are not multiples of SectorSize give [ErrUnaligned].
func (d *Device) WriteAt(p []byte, off int64) (int, error) {
	return d.do(p, off, (*Device).writeChunk)
}

// do checks the range and runs chunk over it.
func (d *Device) do(p []byte, off int64, chunk chunkFunc) (int, error) {
	if err := d.checkRange(len(p), off); err != nil {
		return 0, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.isClosed() {
		return 0, fmt.Errorf("crypt: %w", ErrClosed)
	}
	if len(p) >= 2*chunkSize {
		return d.inParallel(p, off, chunk)
	}
	done := 0
	for done < len(p) {
		n := min(len(p)-done, chunkSize)
		m, err := chunk(d, p[done:done+n], off+int64(done))
		done += m
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// checkRange refuses ranges that are not whole sectors with offsets that fit.
func (d *Device) checkRange(length int, off int64) error {
	unit := int64(d.unit)
	switch {
	case off < 0:
		return fmt.Errorf("crypt: negative offset %d", off)
	case off%unit != 0 || int64(length)%unit != 0:
		return fmt.Errorf("crypt: %d bytes at offset %d, sectors have %d bytes: %w", length, off, unit, ErrUnaligned)
	case off > math.MaxInt64-int64(length)-d.offset:
		return fmt.Errorf("crypt: %d bytes at offset %d: beyond the largest offset", length, off)
	}
	return nil
}

// isClosed must be called with the lock held.
func (d *Device) isClosed() bool {
	if d.tagged != nil {
		return d.tagged.engine == nil
	}
	return d.engine == nil
}

// readChunk reads and decrypts p, whole sectors, in place.
func (d *Device) readChunk(p []byte, off int64) (int, error) {
	if d.tagged != nil {
		return d.readTagged(p, off)
	}
	at := d.offset + off
	n, err := d.storage.ReadAt(p, at)
	if n == len(p) {
		err = nil
	}
	whole := n - n%d.unit
	d.engine.DecryptSectors(p[:whole], p[:whole], uint64(off)>>sectorShift)
	switch {
	case errors.Is(err, io.EOF):
		return whole, io.EOF
	case err != nil:
		return whole, fmt.Errorf("crypt: reading storage at byte %d: %w", at+int64(whole), err)
	case n < len(p):
		return whole, fmt.Errorf("crypt: reading storage at byte %d: %w", at+int64(n), io.ErrUnexpectedEOF)
	}
	return n, nil
}

// writeChunk encrypts p, whole sectors and at most chunkSize bytes, into a
// buffer and writes that.
func (d *Device) writeChunk(p []byte, off int64) (int, error) {
	if d.tagged != nil {
		return d.writeTagged(p, off)
	}
	at := d.offset + off
	buf := chunkBuffers.Get().(*chunkBuffer)
	defer chunkBuffers.Put(buf)
	out := buf[:len(p)]
	d.engine.EncryptSectors(out, p, uint64(off)>>sectorShift)
	n, err := d.storage.WriteAt(out, at)
	if n < len(p) && err == nil {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, fmt.Errorf("crypt: writing storage at byte %d: %w", at+int64(n), err)
	}
	return n, nil
}

// Close wipes the key material that this module holds and makes later I/O fail
// with [ErrClosed]. The round keys inside crypto/aes cannot be overwritten; they
// are let go of. It waits for calls in progress and does not close the storage.
// A second Close does nothing.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.engine != nil {
		d.engine.wipe()
		d.engine = nil
	}
	if d.tagged != nil && d.tagged.engine != nil {
		d.tagged.engine.wipe()
		d.tagged.engine = nil
	}
	return nil
}
