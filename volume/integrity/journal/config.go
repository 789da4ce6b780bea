package journal

import (
	"math"
	"math/bits"
)

// SectorSize is the unit of journals and of sector numbers, in bytes.
const SectorSize = 512

// SaltSize is the size of a salt in bytes.
const SaltSize = 16

// Fixed parts of the format.
const (
	metaSectors  = 8   // at the start of a section
	idSize       = 8   // commit id, at the end of every sector
	macPart      = 8   // bytes of a section's MAC in a metadata sector, before the commit id
	macSize      = 64  // bytes of a section's MAC
	maxTagSize   = 255 // bytes
	maxBlock     = 8   // sectors of a block
	payload      = SectorSize - idSize
	defaultPages = 4096
)

// Algorithm is a kernel algorithm with its key, as a table line names it after
// journal_mac: or journal_crypt:. The zero value is none. A Key is copied.
type Algorithm struct {
	Name string
	Key  []byte
}

// Config says where a journal is and how it was made: what the superblock, the
// table line and the layout of an integrity device tell.
type Config struct {
	// Start is where the first section begins, in bytes from the start of the
	// device that has the journal, a multiple of 512: 4096 after the superblock.
	Start int64
	// Sections of the journal, at least 1.
	Sections uint32
	// TagSize is the size of a block's tag in bytes, 1 to 255.
	TagSize int
	// BlockSectors is the number of sectors in a block: 1, 2, 4 or 8. 0 means 1.
	BlockSectors int
	// DataSectors is the number of sectors that the device provides: entries
	// past it are ignored, as the kernel does.
	DataSectors uint64
	// HasMAC is the superblock's flag that sections have a MAC. It makes entries
	// fewer, and needs MAC.
	HasMAC bool
	// MAC is the table's journal_mac: "hmac(sha256)" with a key, or a plain
	// hash without one. Only with HasMAC.
	MAC Algorithm
	// Crypt is the table's journal_crypt: "ctr(aes)", "cbc(aes)" and others of
	// these modes.
	Crypt Algorithm
	// FixHMAC is the superblock's flag that Salt and the section's number are
	// part of its MAC.
	FixHMAC bool
	// Salt is the superblock's.
	Salt [SaltSize]byte
	// PageSize is that of the kernel that made the device, in bytes; a journal
	// with a stream cipher depends on it. 0 means 4096.
	PageSize int
	// Verify says whether a block, whose first sector is given, fits its tag. It
	// is the table's internal_hash; nil when there is none, and tags belong to
	// the layer above. It may be called concurrently and keeps nothing.
	Verify func(data, tag []byte, sector uint64) bool
}

// geometry is the arithmetic of a journal.
type geometry struct {
	start          int64 // bytes
	sections       uint32
	tagSize        int
	blockSectors   int
	dataSectors    uint64
	entrySize      int // bytes
	perSector      int // entries in a metadata sector
	entries        int // in a section
	sectionSectors int
}

// newGeometry checks the numbers of c. A section has at most 392 sectors.
func newGeometry(c Config) (geometry, error) {
	if c.BlockSectors == 0 {
		c.BlockSectors = 1
	}
	switch {
	case c.Start < 0 || c.Start%SectorSize != 0:
		return geometry{}, badConfig("start at byte %d: not a multiple of %d", c.Start, SectorSize)
	case c.Sections == 0:
		return geometry{}, badConfig("no sections")
	case c.TagSize < 1 || c.TagSize > maxTagSize:
		return geometry{}, badConfig("tags of %d bytes: want 1 to %d", c.TagSize, maxTagSize)
	case c.BlockSectors < 1 || c.BlockSectors > maxBlock || bits.OnesCount(uint(c.BlockSectors)) != 1:
		return geometry{}, badConfig("blocks of %d sectors: want 1, 2, 4 or 8", c.BlockSectors)
	case c.DataSectors > math.MaxInt64/SectorSize:
		return geometry{}, badConfig("%d sectors of data: no device has so many", c.DataSectors)
	}
	g := geometry{
		start: c.Start, sections: c.Sections, tagSize: c.TagSize,
		blockSectors: c.BlockSectors, dataSectors: c.DataSectors,
	}
	room := payload
	if c.HasMAC {
		room -= macPart
	}
	g.entrySize = (8 + 8*g.blockSectors + g.tagSize + 7) &^ 7
	g.perSector = room / g.entrySize
	g.entries = g.perSector * metaSectors
	g.sectionSectors = metaSectors + g.entries*g.blockSectors
	if int64(g.sections) > (math.MaxInt64-g.start)/int64(g.sectionSize()) {
		return geometry{}, badConfig("%d sections from byte %d on: past the end of any device", g.sections, g.start)
	}
	return g, nil
}

// sectionSize is in bytes.
func (g *geometry) sectionSize() int { return g.sectionSectors * SectorSize }

// blockSize is in bytes.
func (g *geometry) blockSize() int { return g.blockSectors * SectorSize }

// size of the journal in bytes.
func (g *geometry) size() int64 { return int64(g.sections) * int64(g.sectionSize()) }

// offset of a sector of a section on the device, in bytes.
func (g *geometry) offset(section uint32, sector int) int64 {
	return g.start + int64(section)*int64(g.sectionSize()) + int64(sector)*SectorSize
}

// holds says whether a block starts at this sector of the device.
func (g *geometry) holds(sector uint64) bool {
	return sector%uint64(g.blockSectors) == 0 && sector < g.dataSectors && uint64(g.blockSectors) <= g.dataSectors-sector
}

// after is the section that follows, and whether it is the first again.
func (g *geometry) after(section uint32) (next uint32, wraps bool) {
	if section+1 == g.sections {
		return 0, true
	}
	return section + 1, false
}
