package journal

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
)

// Overlay is the blocks that a journal holds, which count for more than what
// stands in the places they belong to. It keeps their places in the journal
// only, 16 bytes for each, and reads data when asked. Its methods may be called
// concurrently.
type Overlay struct {
	j      *Journal
	r      io.ReaderAt
	blocks []place // by sector, each once
	plan   plan
	seen   []uint8 // as newPlan took it
}

// place is where the journal has a block.
type place struct {
	sector uint64
	at     uint64 // section and entry
}

const entryBits = 16

func newPlace(sector uint64, number uint32, entry int) place {
	return place{sector, uint64(number)<<entryBits | uint64(entry)}
}

func (p place) section() uint32 { return uint32(p.at >> entryBits) }
func (p place) entry() int      { return int(p.at & (1<<entryBits - 1)) }

// ReadOverlay reads all of a journal and finds what of it a replay would apply,
// by the rule of the kernel. It writes nothing. An error that matches
// [ErrDamaged], a [*DamagedError], means that the kernel would fail every read
// and write of the device; so should the caller. r is kept.
func (j *Journal) ReadOverlay(ctx context.Context, r io.ReaderAt) (*Overlay, error) {
	if err := readFull(r, make([]byte, 1), j.start+j.size()-1); err != nil {
		return nil, fmt.Errorf("journal: reading its end: %w", err)
	}
	seen, err := j.scan(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(seen)
	if err != nil {
		return nil, err
	}
	o := &Overlay{j: j, r: r, plan: p, seen: seen}
	s := j.newSection()
	number := p.first
	for range p.count {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := o.add(s, number); err != nil {
			return nil, err
		}
		number, _ = j.after(number)
	}
	o.sort()
	return o, nil
}

// scan reads the sequences of all sections.
func (j *Journal) scan(ctx context.Context, r io.ReaderAt) (seen []uint8, err error) {
	s := j.newSection()
	for number := range j.sections {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := j.read(r, s.b, number, 0); err != nil {
			return nil, err
		}
		set, err := s.seen(&j.ids, number)
		if err != nil {
			return nil, err
		}
		seen = append(seen, set)
	}
	return seen, nil
}

// add takes up the blocks of a section, in s which has room for it. They are
// checked, since a journal that was tampered with is not to be trusted in part.
func (o *Overlay) add(s section, number uint32) error {
	j := o.j
	whole := s
	if j.verify == nil {
		s.b = s.b[:metaSectors*SectorSize]
	}
	if err := j.read(o.r, s.b, number, 0); err != nil {
		return err
	}
	if j.mac != nil && !j.mac.fits(s, number) {
		return &DamagedError{number, -1, "wrong MAC"}
	}
	var room [maxBlock * SectorSize]byte
	data := room[:j.blockSize()]
	for n := range j.entries {
		sector := s.sector(n)
		if isUnused(sector) {
			continue
		}
		if sector%uint64(j.blockSectors) != 0 {
			return &DamagedError{number, n % metaSectors, fmt.Sprintf("entry %d is for sector %d, where no block begins", n, sector)}
		}
		if !j.holds(sector) {
			continue
		}
		if j.verify != nil {
			whole.block(data, n)
			if !j.verify(data, s.tag(n), sector) {
				return &DamagedError{number, j.blockAt(n), fmt.Sprintf("entry %d, for sector %d, does not fit its tag", n, sector)}
			}
		}
		o.blocks = append(o.blocks, newPlace(sector, number, n))
	}
	return nil
}

// sort orders the places; the last of several for the same block stays.
func (o *Overlay) sort() {
	slices.SortStableFunc(o.blocks, func(a, b place) int { return cmp.Compare(a.sector, b.sector) })
	kept := o.blocks[:0]
	for i, p := range o.blocks {
		if i+1 == len(o.blocks) || o.blocks[i+1].sector != p.sector {
			kept = append(kept, p)
		}
	}
	o.blocks = slices.Clip(kept)
}

// Len is the number of blocks.
func (o *Overlay) Len() int { return len(o.blocks) }

// Next is the first block at or after a sector; false when there is none.
func (o *Overlay) Next(sector uint64) (uint64, bool) {
	i, _ := o.find(sector)
	if i == len(o.blocks) {
		return 0, false
	}
	return o.blocks[i].sector, true
}

func (o *Overlay) find(sector uint64) (int, bool) {
	return slices.BinarySearchFunc(o.blocks, sector, func(p place, sector uint64) int { return cmp.Compare(p.sector, sector) })
}

// ReadBlock reads the block that begins at a sector, and its tag; false when
// the overlay does not have it. data has the size of a block or is nil, tag that
// of a tag or is nil. The block is not checked again: that is for the caller, as
// with any other block.
func (o *Overlay) ReadBlock(data, tag []byte, sector uint64) (bool, error) {
	i, ok := o.find(sector)
	if !ok {
		return false, nil
	}
	return true, o.read(data, tag, o.blocks[i])
}

// read reads the block at p.
func (o *Overlay) read(data, tag []byte, p place) error {
	var meta [metaSectors * SectorSize]byte
	j, n := o.j, p.entry()
	row := n % metaSectors
	s := section{&j.geometry, meta[:]}
	if err := j.read(o.r, meta[row*SectorSize:(row+1)*SectorSize], p.section(), row); err != nil {
		return err
	}
	if s.sector(n) != p.sector {
		return &DamagedError{p.section(), row, "changed while it was in use"}
	}
	copy(tag, s.tag(n))
	if data == nil {
		return nil
	}
	if err := j.read(o.r, data[:j.blockSize()], p.section(), j.blockAt(n)); err != nil {
		return err
	}
	s.restore(data, n)
	return nil
}
