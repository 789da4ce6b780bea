package integrity

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// discardFiller is every byte of the tag of a discarded block.
const discardFiller = 0xf6

// ReadAt reads whole blocks and checks each against its tag. At one that does
// not fit it stops: n counts the good bytes before it, and the error is a
// [*CorruptError]. Past the end it is io.EOF.
func (d *Device) ReadAt(p []byte, off int64) (n int, err error) {
	return d.read(p, nil, off)
}

// read reads blocks, and their tags too if tags is not nil.
func (d *Device) read(p, tags []byte, off int64) (n int, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if err := d.usable("reading", len(p), off); err != nil {
		return 0, err
	}
	end := min(off+int64(len(p)), d.Size())
	for at := off; at < end; {
		want := min(end-at, chunk)
		place, together := d.DataOffset(at)
		want = min(want, together)
		var into []byte
		if tags != nil {
			first := (at - off) / int64(d.BlockSize) * int64(d.TagSize)
			into = tags[first : first+want/int64(d.BlockSize)*int64(d.TagSize)]
		}
		m, err := d.readChunk(p[at-off:][:want], into, at, place)
		n, at = n+m, at+int64(m)
		if err != nil {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// usable refuses what no call may ask for.
func (d *Device) usable(doing string, length int, off int64) error {
	block := int64(d.BlockSize)
	switch {
	case d.closed:
		return fmt.Errorf("integrity: %s: %w", doing, fs.ErrClosed)
	case d.failed != nil:
		return d.failed
	case off < 0:
		return fmt.Errorf("integrity: %s at offset %d: %w", doing, off, fs.ErrInvalid)
	case off%block != 0 || int64(length)%block != 0:
		return fmt.Errorf("integrity: %s %d bytes at %d: blocks have %d bytes: %w", doing, length, off, block, ErrUnaligned)
	}
	return nil
}

// readChunk reads blocks that lie together, at place of the data device, and
// returns how many bytes of them are good.
func (d *Device) readChunk(p, into []byte, off, place int64) (int, error) {
	block := off / int64(d.BlockSize)
	if (d.hash == nil || d.unchecked.all) && d.overlay == nil && d.writer == nil && into == nil {
		return d.readData(p, place)
	}
	room := d.scratch.Get().(*[]byte)
	defer d.scratch.Put(room)
	tags := (*room)[:len(p)/d.BlockSize*d.TagSize]
	n, err := d.readBlocks(p, tags, block, place)
	p, tags = p[:n], tags[:n/d.BlockSize*d.TagSize]
	copy(into, tags)
	if good, verr := d.verify(p, tags, block); verr != nil {
		return good, verr
	}
	return n, err
}

// readBlocks reads blocks and tags as they should be now: those that are in the
// journal, or on their way there, count for more than what is in their places.
func (d *Device) readBlocks(p, tags []byte, block, place int64) (n int, err error) {
	below := func(p, tags []byte, _ uint64) error {
		if n, err = d.readData(p, place); n < len(p) {
			return err
		}
		return d.readTags(tags, block)
	}
	if d.writer != nil {
		if err := d.writer.ReadBlocks(p, tags, d.sectorOf(block), below); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	n, err = d.readData(p, place)
	if terr := d.readTags(tags[:n/d.BlockSize*d.TagSize], block); terr != nil {
		return 0, terr
	}
	if oerr := d.overlayBlocks(p[:n], tags, block); oerr != nil {
		return 0, oerr
	}
	return n, err
}

// sectorOf returns the first sector of a block.
func (d *Device) sectorOf(block int64) uint64 { return uint64(block) * uint64(d.blockSectors()) }

// readData reads blocks that lie together, and returns the bytes of whole ones.
func (d *Device) readData(p []byte, place int64) (int, error) {
	n, err := d.data.ReadAt(p, place)
	switch {
	case n == len(p):
		return n, nil
	case err == nil || errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n - n%d.BlockSize, fmt.Errorf("integrity: reading data at %d: %w", place, err)
}

// readTags reads the tags of blocks that lie together.
func (d *Device) readTags(tags []byte, block int64) error {
	at, _ := d.TagOffset(block)
	if err := readFull(d.tags, tags, at); err != nil {
		return fmt.Errorf("integrity: reading tags at %d: %w", at, err)
	}
	return nil
}

// readFull fills p, or says why not.
func readFull(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// overlayBlocks puts the blocks that are in the journal in their places.
func (d *Device) overlayBlocks(p, tags []byte, block int64) error {
	if d.overlay == nil {
		return nil
	}
	spb := int64(d.blockSectors())
	end := uint64((block + int64(len(p)/d.BlockSize)) * spb)
	for sector, ok := d.overlay.Next(uint64(block * spb)); ok && sector < end; sector, ok = d.overlay.Next(sector + uint64(spb)) {
		i := int(int64(sector)/spb - block)
		if _, err := d.overlay.ReadBlock(p[i*d.BlockSize:][:d.BlockSize], tags[i*d.TagSize:][:d.TagSize], sector); err != nil {
			return fmt.Errorf("integrity: block at sector %d, from the journal: %w", sector, err)
		}
	}
	return nil
}

// verify checks blocks and returns how many bytes of them are good.
func (d *Device) verify(p, tags []byte, block int64) (int, error) {
	if d.hash == nil || d.unchecked.all {
		return len(p), nil
	}
	s := d.hash.pool.Get().(*state)
	defer d.hash.pool.Put(s)
	for done := 0; done < len(p); done += d.BlockSize {
		tag := tags[:d.TagSize]
		tags = tags[d.TagSize:]
		if d.hash.fits(s, p[done:done+d.BlockSize], tag, d.sectorOf(block)) || d.discarded(s, tag, block) {
			block++
			continue
		}
		free, err := d.isUnchecked(block)
		if err != nil {
			return done, err
		}
		if !free {
			d.mismatches.Add(1)
			return done, &CorruptError{block * int64(d.BlockSize), int64(d.BlockSize)}
		}
		block++
	}
	return len(p), nil
}

// discarded says whether a tag is that of a discarded block, where there may be any.
func (d *Device) discarded(s *state, tag []byte, block int64) bool {
	if d.config.AllowDiscardsKeyed {
		return d.hash.fits(s, nil, tag, d.sectorOf(block))
	}
	if !d.config.AllowDiscards {
		return false
	}
	for _, b := range tag {
		if b != discardFiller {
			return false
		}
	}
	return true
}
