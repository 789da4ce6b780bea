package integrity

import (
	"fmt"
	"math/bits"
)

// SectorSize is the size of a sector in bytes, the unit of the format.
const SectorSize = 512

const (
	superblockSectors = SuperblockArea / SectorSize

	// A section of the journal begins with sectionMeta sectors of entries. A
	// sector of the journal ends with its commit ID; before it, the sectors of
	// entries have a part of the section's MAC if there is one.
	sectionMeta  = 8
	commitIDSize = 8
	macPartSize  = 8

	newPadding = 4096   // bytes: tag areas with fix_padding are multiples of it
	oldPadding = 131072 // bytes: and without

	maxDevice = 1 << 54 // sectors: the largest number of bytes is below 2^63
)

// Geometry is what a layout follows from, all but the size of the devices.
type Geometry struct {
	Reserved        int64  // bytes before the superblock, a multiple of 512
	TagSize         int    // bytes for a block, 1 to 255
	BlockSize       int    // bytes: 512, 1024, 2048 or 4096
	Interleave      int64  // sectors between tag areas: 2^3 to 2^31; 0 with a meta device
	JournalSections uint32 // at least 1
	JournalMAC      bool   // the journal has MACs
	FixPadding      bool   // tag areas are padded to 4096 bytes, not 131072
}

// Geometry returns what a superblock says, which was found behind so many
// reserved bytes.
func (sb *Superblock) Geometry(reserved int64) Geometry {
	g := Geometry{
		Reserved: reserved, TagSize: int(sb.TagSize), BlockSize: sb.BlockSize(), JournalSections: sb.JournalSections,
		JournalMAC: sb.Flags&FlagJournalMAC != 0, FixPadding: sb.Flags&FlagFixPadding != 0,
	}
	if !sb.MetaDevice() {
		g.Interleave = 1 << sb.Log2Interleave
	}
	return g
}

// MetaDevice says whether superblock, journal and tags are on a device of their own.
func (g Geometry) MetaDevice() bool { return g.Interleave == 0 }

func (g Geometry) validate() error {
	switch {
	case g.Reserved < 0 || g.Reserved%SectorSize != 0 || g.Reserved/SectorSize > maxDevice:
		return badParams("%d reserved bytes: not a number of sectors of %d", g.Reserved, SectorSize)
	case g.TagSize < 1 || g.TagSize > maxTagSize:
		return badParams("tags of %d bytes: want 1 to %d", g.TagSize, maxTagSize)
	case g.BlockSize < SectorSize || g.BlockSize > SectorSize<<maxLog2Block || g.BlockSize&(g.BlockSize-1) != 0:
		return badParams("blocks of %d bytes: want 512, 1024, 2048 or 4096", g.BlockSize)
	case g.Interleave&(g.Interleave-1) != 0 || g.Interleave != 0 && (g.Interleave < 1<<minLog2Interleave || g.Interleave > 1<<maxLog2Interleave):
		return badParams("interleave of %d sectors: want a power of two, 2^%d to 2^%d, or 0 with a meta device", g.Interleave, minLog2Interleave, maxLog2Interleave)
	case g.JournalSections == 0:
		return badParams("a journal without sections")
	}
	return nil
}

// Layout says where everything is. It is a plain value; its methods are the
// only arithmetic on offsets of the format (Linux,
// Documentation/admin-guide/device-mapper/dm-integrity.rst).
//
//	one device:   reserved | superblock | journal | tags | data | tags | data …
//	meta device:  reserved | superblock | journal | tags      and   data …
//
// Sectors of data are counted from 0; sectors of the journal's area are those
// of the device that holds it.
type Layout struct {
	Geometry

	EntrySize        int   // bytes of a journal entry
	EntriesPerSector int   // in a sector of entries
	SectionEntries   int   // in a section: one block of data each
	SectionSectors   int   // of a section: entries, then data
	InitialSectors   int64 // superblock and journal
	RunSectors       int64 // of a tag area; with a meta device 0: it has only one
	ProvidedSectors  int64 // of data
	BufferSectors    int64 // in which the kernel reads tags, at most
}

// journalLayout computes what depends on no device.
func journalLayout(g Geometry) (Layout, error) {
	if err := g.validate(); err != nil {
		return Layout{}, err
	}
	l := Layout{Geometry: g}
	l.EntrySize = (8 + 8*l.blockSectors() + g.TagSize + 7) &^ 7
	room := SectorSize - commitIDSize
	if g.JournalMAC {
		room -= macPartSize
	}
	l.EntriesPerSector = room / l.EntrySize
	l.SectionEntries = sectionMeta * l.EntriesPerSector
	l.SectionSectors = sectionMeta + l.SectionEntries*l.blockSectors()
	l.InitialSectors = superblockSectors + int64(g.JournalSections)*int64(l.SectionSectors)
	if !g.MetaDevice() {
		padding := int64(oldPadding)
		if g.FixPadding {
			padding = newPadding
		}
		tags := int64(g.TagSize) * (g.Interleave / int64(l.blockSectors()))
		l.RunSectors = roundUp(tags, padding) / SectorSize
	}
	return l, nil
}

// NewLayout computes the layout on devices of so many bytes; metaSize is that
// of the meta device, if the geometry has one. Errors wrap [ErrBadParams] or
// [ErrTooSmall].
func NewLayout(g Geometry, dataSize, metaSize int64) (Layout, error) {
	l, err := journalLayout(g)
	if err != nil {
		return l, err
	}
	if g.MetaDevice() {
		return l, l.provideApart(dataSize/SectorSize, metaSize/SectorSize)
	}
	return l, l.provide(dataSize / SectorSize)
}

// provide finds out how many sectors of data one device has room for: as the
// kernel does it, bit by bit down to units of 8 sectors.
func (l *Layout) provide(device int64) error {
	var provided int64
	for bit := bits.Len64(uint64(device)) - 1; bit >= minLog2Interleave; bit-- {
		if try := provided | 1<<bit; l.end(try) <= device {
			provided = try
		}
	}
	if provided == 0 {
		return fmt.Errorf("integrity: %d sectors, the first %d of data would end at %d: %w", device, 1<<minLog2Interleave, l.end(1<<minLog2Interleave), ErrTooSmall)
	}
	l.ProvidedSectors = provided
	l.BufferSectors = min(defaultBuffer, l.RunSectors&-l.RunSectors)
	return nil
}

// end returns the sector of the device behind the first n sectors of data.
func (l *Layout) end(n int64) int64 { return l.dataSector(n-1) + 1 }

// provideApart is provide with tags on a meta device.
func (l *Layout) provideApart(device, meta int64) error {
	l.ProvidedSectors = device &^ int64(l.blockSectors()-1)
	if l.ProvidedSectors == 0 {
		return fmt.Errorf("integrity: %d sectors for data: %w", device, ErrTooSmall)
	}
	for buffer := int64(defaultBuffer); buffer >= minBuffer; buffer /= 2 {
		if l.metaEnd(buffer) <= meta {
			l.BufferSectors = buffer
			return nil
		}
	}
	return fmt.Errorf("integrity: the meta device has %d sectors, %d are needed: %w", meta, l.metaEnd(minBuffer), ErrTooSmall)
}

// The kernel reads tags in units of buffer_sectors: 128 by default, less where
// a meta device has no room for the last unit.
const (
	defaultBuffer = 128
	minBuffer     = 8
)

// metaEnd returns where a meta device may end if tags are read in such units.
func (l *Layout) metaEnd(buffer int64) int64 {
	tags := l.ProvidedSectors / int64(l.blockSectors()) * int64(l.TagSize)
	return l.Reserved/SectorSize + l.InitialSectors + roundUp(tags, buffer*SectorSize)/SectorSize
}

// roundUp returns the smallest multiple of unit that is not below n.
func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

func (l *Layout) blockSectors() int { return l.BlockSize / SectorSize }

// Size returns the bytes of data.
func (l *Layout) Size() int64 { return l.ProvidedSectors * SectorSize }

// Blocks returns the blocks of data.
func (l *Layout) Blocks() int64 { return l.ProvidedSectors / int64(l.blockSectors()) }

// dataSector returns where a sector of data is on its device.
func (l *Layout) dataSector(sector int64) int64 {
	if l.MetaDevice() {
		return sector
	}
	area, within := sector/l.Interleave, sector%l.Interleave
	return l.Reserved/SectorSize + l.InitialSectors + area*l.Interleave + (area+1)*l.RunSectors + within
}

// DataOffset returns where byte off of the data is on the data device, and how
// many bytes from there on lie together.
func (l *Layout) DataOffset(off int64) (at, together int64) {
	sector, within := off/SectorSize, off%SectorSize
	at = l.dataSector(sector)*SectorSize + within
	if l.MetaDevice() {
		return at, l.Size() - off
	}
	return at, min((l.Interleave-sector%l.Interleave)*SectorSize-within, l.Size()-off)
}

// TagOffset returns where the tag of a block is on the device with the tags,
// and how many tags from there on lie together.
func (l *Layout) TagOffset(block int64) (at, together int64) {
	base := l.Reserved + l.InitialSectors*SectorSize
	if l.MetaDevice() {
		return base + block*int64(l.TagSize), l.Blocks() - block
	}
	perArea := l.Interleave / int64(l.blockSectors())
	area, within := block/perArea, block%perArea
	at = base + area*(l.Interleave+l.RunSectors)*SectorSize + within*int64(l.TagSize)
	return at, min(perArea-within, l.Blocks()-block)
}

// JournalOffset returns where the journal is on the device with the tags; a
// bitmap begins there too.
func (l *Layout) JournalOffset() int64 { return l.Reserved + SuperblockArea }

// JournalSize returns the bytes of the journal.
func (l *Layout) JournalSize() int64 { return l.JournalSectors() * SectorSize }

// JournalSectors returns the sectors of the journal.
func (l *Layout) JournalSectors() int64 { return l.InitialSectors - superblockSectors }
