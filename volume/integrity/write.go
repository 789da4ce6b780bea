package integrity

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// WriteAt writes whole blocks with the tags that belong to them. They are safe
// after the next [Device.Sync]; what a crash before that leaves depends on the
// mode. A device without an internal hash is [ErrUnsupported]: its tags come
// from the layer above, see [Device.Tagged].
func (d *Device) WriteAt(p []byte, off int64) (int, error) {
	if d.hash == nil {
		return 0, fmt.Errorf("integrity: writing without tags to a device without an internal hash: %w", ErrUnsupported)
	}
	return d.write(p, nil, off)
}

// write writes blocks, with tags that are given or made.
func (d *Device) write(p, tags []byte, off int64) (int, error) {
	unlock, err := d.lockForWriting(off, len(p))
	if err != nil {
		return 0, err
	}
	defer unlock()
	room := d.scratch.Get().(*[]byte)
	defer d.scratch.Put(room)
	n := 0
	for n < len(p) {
		part := p[n:min(len(p), n+chunk)]
		count := len(part) / d.BlockSize * d.TagSize
		sector := uint64(off+int64(n)) / SectorSize
		var with []byte
		if tags != nil {
			with, tags = tags[:count], tags[count:]
		} else {
			with = (*room)[:count]
			d.hash.Tags(with, part, sector, d.BlockSize)
		}
		if err := d.put(part, with, sector); err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// lockForWriting locks the device for a write, before the first of which it is
// made ready. A journal has a lock of its own, so that calls may overlap.
func (d *Device) lockForWriting(off int64, length int) (unlock func(), err error) {
	d.mu.RLock()
	if d.writer != nil {
		if err := d.mayWrite(off, length); err != nil {
			d.mu.RUnlock()
			return nil, err
		}
		return d.mu.RUnlock, nil
	}
	d.mu.RUnlock()
	d.mu.Lock()
	err = d.mayWrite(off, length)
	if err == nil && !d.begun {
		err = d.begin(context.Background())
	}
	if err != nil {
		d.mu.Unlock()
		return nil, err
	}
	return d.mu.Unlock, nil
}

// mayWrite refuses writes that may not be.
func (d *Device) mayWrite(off int64, length int) error {
	if err := d.usable("writing", length, off); err != nil {
		return err
	}
	switch {
	case d.config.Mode == ModeRecovery:
		return fmt.Errorf("integrity: writing in mode R: %w", ErrReadOnly)
	case off > d.Size() || int64(length) > d.Size()-off:
		return fmt.Errorf("integrity: writing %d bytes at %d of %d: %w", length, off, d.Size(), io.ErrShortWrite)
	}
	return nil
}

// put writes blocks in the manner of the mode.
func (d *Device) put(p, tags []byte, sector uint64) error {
	if d.writer != nil {
		return d.writer.WriteBlocks(p, tags, sector)
	}
	if d.config.Mode == ModeBitmap {
		if err := d.mark(int64(sector)/int64(d.blockSectors()), int64(len(p)/d.BlockSize)); err != nil {
			return err
		}
	}
	return sink{d}.WriteBlocks(p, tags, sector)
}

// sink writes blocks and tags to their places.
type sink struct{ d *Device }

// WriteBlocks writes data, then tags.
func (s sink) WriteBlocks(p, tags []byte, sector uint64) error {
	d := s.d
	off := int64(sector) * SectorSize
	for len(p) > 0 {
		at, together := d.DataOffset(off)
		n := int(min(together, int64(len(p))))
		if _, err := d.data.WriteAt(p[:n], at); err != nil {
			return fmt.Errorf("integrity: writing data at %d: %w", at, err)
		}
		count := n / d.BlockSize * d.TagSize
		at, _ = d.TagOffset(off / int64(d.BlockSize))
		if _, err := d.tags.WriteAt(tags[:count], at); err != nil {
			return fmt.Errorf("integrity: writing tags at %d: %w", at, err)
		}
		p, tags, off = p[n:], tags[count:], off+int64(n)
	}
	return nil
}

// Sync makes the places durable.
func (s sink) Sync() error {
	err := s.d.data.Sync()
	if s.d.MetaDevice() {
		err = errors.Join(err, s.d.tags.Sync())
	}
	return err
}

// Sync makes durable what was written before.
func (d *Device) Sync() error {
	d.mu.RLock()
	if w := d.writer; w != nil && !d.closed {
		defer d.mu.RUnlock()
		return w.Sync()
	}
	d.mu.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.begun || d.closed || d.failed != nil {
		return nil
	}
	if err := (sink{d}).Sync(); err != nil {
		return err
	}
	return d.unmark()
}

// Discard marks whole blocks as no longer needed: they read as whatever their
// place holds. [ErrUnsupported] without AllowDiscards, as in the kernel.
func (d *Device) Discard(off, length int64) error {
	if !d.config.AllowDiscards && !d.config.AllowDiscardsKeyed {
		return fmt.Errorf("integrity: discarding without allow_discards: %w", ErrUnsupported)
	}
	if length < 0 || length > d.Size()-off || length%int64(d.BlockSize) != 0 {
		return fmt.Errorf("integrity: discarding %d bytes at %d of %d: %w", length, off, d.Size(), ErrUnaligned)
	}
	unlock, err := d.lockForWriting(off, 0)
	if err != nil {
		return err
	}
	defer unlock()
	if d.writer != nil { // what is on its way must not come after
		if err := d.writer.Sync(); err != nil {
			return err
		}
	}
	return d.discard(off/int64(d.BlockSize), length/int64(d.BlockSize))
}

// discard writes the tags of discarded blocks.
func (d *Device) discard(block, count int64) error {
	room := d.scratch.Get().(*[]byte)
	defer d.scratch.Put(room)
	s := d.hash.pool.Get().(*state)
	defer d.hash.pool.Put(s)
	for count > 0 {
		at, together := d.TagOffset(block)
		n := min(together, count, chunk/int64(d.BlockSize))
		tags := (*room)[:n*int64(d.TagSize)]
		for i := range n {
			d.discardTag(s, tags[i*int64(d.TagSize):][:d.TagSize], block+i)
		}
		if _, err := d.tags.WriteAt(tags, at); err != nil {
			return fmt.Errorf("integrity: writing tags at %d: %w", at, err)
		}
		block, count = block+n, count-n
	}
	return nil
}

func (d *Device) discardTag(s *state, tag []byte, block int64) {
	if d.config.AllowDiscardsKeyed {
		d.hash.tag(s, tag, nil, d.sectorOf(block))
		return
	}
	for i := range tag {
		tag[i] = discardFiller
	}
}
