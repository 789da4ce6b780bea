package crypt

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// TaggedStorage is storage with metadata beside each encryption sector, as
// dm-integrity gives it to dm-crypt. p holds whole sectors, tags TagSize bytes
// for each; off is the offset in bytes of the first. Calls on it may be
// concurrent, for ranges that do not overlap; a sector and its tag are read and
// written as one. An error of ReadTagged that is, or wraps, [io.EOF] says that
// the storage ends in the range.
//
// Storage that has a method BlockSize() int says with it how many bytes of data
// one tag belongs to; that must be the encryption sector.
type TaggedStorage interface {
	ReadTagged(p, tags []byte, off int64) error
	WriteTagged(p, tags []byte, off int64) error
	TagSize() int // bytes for each sector
}

// maxStride bounds what storage may keep beside a sector, in bytes; dm-integrity
// has at most 255.
const maxStride = 4096

// tagged is the storage of a device with tags.
type tagged struct {
	storage TaggedStorage
	engine  tagEngine // nil once closed
	stride  int       // bytes beside each sector
	buffers sync.Pool // of *[]byte, for the tags of a chunk
}

// NewAEADDevice returns a device whose sectors have tags, or stored IVs, beside
// them: table lines with the integrity option. Its first sector is at offset 0 of
// s, which it does not close. What the option means follows the kernel:
//
//	N:aead   an authenticated mode, as in capi:gcm(aes)-random; of the N bytes the
//	         IV mode random takes the IV's, the tag has the rest
//	N:none   any other mode; with the IV mode random the IV is stored, and with
//	         others nothing is
//
// A sector whose tag is wrong is never returned: reads of it end with an
// [*IntegrityError]. A sector that was never written has no right tag. With N:none
// there are no tags, and nothing is found out.
//
// Errors are those of [NewCipher] and [ErrTagSize].
func NewAEADDevice(s TaggedStorage, c Config) (*Device, error) {
	if c.Integrity == "" {
		return nil, fmt.Errorf("crypt: storage with tags, but no integrity option: %w", ErrSpec)
	}
	stride := s.TagSize()
	if stride < 0 || stride > maxStride {
		return nil, fmt.Errorf("crypt: storage with %d bytes for each sector, at most %d: %w", stride, maxStride, ErrTagSize)
	}
	g, engine, err := newTagEngine(c, stride)
	if err != nil {
		return nil, err
	}
	if b, ok := s.(interface{ BlockSize() int }); ok && b.BlockSize() != g.unit {
		return nil, fmt.Errorf("crypt: sector size of %d bytes, the storage has a tag for each %d: %w", g.unit, b.BlockSize(), ErrSectorSize)
	}
	t := &tagged{storage: s, engine: engine, stride: stride}
	t.buffers.New = func() any {
		tags := make([]byte, chunkSize/g.unit*stride)
		return &tags
	}
	d := newDevice(g.unit)
	d.tagged = t
	return d, nil
}

// readTagged reads and opens p, whole sectors and at most chunkSize bytes, in
// place.
func (d *Device) readTagged(p []byte, off int64) (int, error) {
	t := d.tagged
	buf := t.buffers.Get().(*[]byte)
	defer t.buffers.Put(buf)
	tags := (*buf)[:len(p)/d.unit*t.stride]
	if err := t.storage.ReadTagged(p, tags, off); err == nil {
		return d.open(p, tags, off)
	}
	// What is in p now is anything: find the sector that cannot be read.
	for at := 0; at < len(p); at += d.unit {
		sector, tag := p[at:at+d.unit], tags[:t.stride]
		if err := t.storage.ReadTagged(sector, tag, off+int64(at)); err != nil {
			clear(p[at:])
			if errors.Is(err, io.EOF) {
				return at, io.EOF
			}
			return at, fmt.Errorf("crypt: reading storage at byte %d: %w", off+int64(at), err)
		}
		if _, err := d.open(sector, tag, off+int64(at)); err != nil {
			clear(p[at:])
			return at, err
		}
	}
	return len(p), nil
}

// open decrypts sectors whose tags are there. What does not authenticate, and
// what follows, is cleared.
func (d *Device) open(p, tags []byte, off int64) (int, error) {
	good := d.tagged.engine.open(p, tags, uint64(off)>>sectorShift)
	if good == len(p) {
		return good, nil
	}
	clear(p[good:])
	return good, &IntegrityError{Offset: off + int64(good), Length: int64(d.unit)}
}

// writeTagged seals p, whole sectors and at most chunkSize bytes, into a buffer
// and writes that.
func (d *Device) writeTagged(p []byte, off int64) (int, error) {
	t := d.tagged
	buf := chunkBuffers.Get().(*chunkBuffer)
	defer chunkBuffers.Put(buf)
	tagBuf := t.buffers.Get().(*[]byte)
	defer t.buffers.Put(tagBuf)
	out, tags := buf[:len(p)], (*tagBuf)[:len(p)/d.unit*t.stride]
	t.engine.seal(out, p, tags, uint64(off)>>sectorShift)
	if err := t.storage.WriteTagged(out, tags, off); err != nil {
		return 0, fmt.Errorf("crypt: writing storage at byte %d: %w", off, err)
	}
	return len(p), nil
}
