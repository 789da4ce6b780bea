package integrity

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/bits"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// FormatConfig says what a new device shall be. The zero value of a field is the
// default of the kernel, or of integritysetup where the two differ.
type FormatConfig struct {
	Reserved  int64 // bytes before the superblock
	TagSize   int   // bytes for a block; 0: that of the internal hash
	BlockSize int   // bytes; 0 means 512

	// InternalHash makes the tags; without one they belong to the layer above,
	// and TagSize must be given.
	InternalHash Algorithm
	JournalCrypt Algorithm
	JournalMAC   Algorithm

	JournalSectors    int64 // rounded down to whole sections, at least one; 0: 1/128 of the device, up to 64 MiB
	InterleaveSectors int64 // rounded down to a power of two, 2^3 to 2^31; 0: 2^15; nothing with a meta device
	SectorsPerBit     uint64
	PageSize          int // bytes, of the kernel that will use an encrypted journal; 0 means 4096

	LegacyPadding bool // tag areas are padded to 131072 bytes, for kernels before 5.5
	LegacyHMAC    bool // hashes without salt, for kernels before 5.11
	NoWipe        bool // data and tags stay as they are: most blocks will not fit their tags

	// Progress is told how many bytes of data are wiped; it may be nil.
	Progress func(done int64)
}

const (
	defaultInterleave = 32768
	maxJournal        = 131072 // sectors, of those that are not asked for
	journalShare      = 128
)

// Plan computes superblock and layout of a device that is to be made on devices
// of so many bytes, as the kernel would; metaSize is 0 without a meta device. The
// salt is zero. Errors wrap [ErrBadParams], [ErrTooSmall] or [ErrUnsupported].
func Plan(c FormatConfig, dataSize, metaSize int64) (*Superblock, Layout, error) {
	if c.BlockSize == 0 {
		c.BlockSize = SectorSize
	}
	if c.InternalHash.Name != "" && c.TagSize == 0 {
		h, err := NewHash(c.InternalHash, nil)
		if err != nil {
			return nil, Layout{}, err
		}
		defer h.Close()
		c.TagSize = h.Size()
	}
	g := Geometry{
		Reserved: c.Reserved, TagSize: c.TagSize, BlockSize: c.BlockSize, JournalSections: 1,
		JournalMAC: c.JournalMAC.Name != "", FixPadding: !c.LegacyPadding && metaSize == 0,
	}
	if metaSize == 0 {
		g.Interleave = interleave(c.InterleaveSectors)
	}
	l, err := c.layout(g, dataSize, metaSize)
	if err != nil {
		return nil, Layout{}, err
	}
	return c.superblock(l), l, nil
}

// interleave rounds as the kernel does.
func interleave(sectors int64) int64 {
	if sectors == 0 {
		sectors = defaultInterleave
	}
	sectors = min(max(sectors, 1<<minLog2Interleave), 1<<maxLog2Interleave)
	return 1 << (bits.Len64(uint64(sectors)) - 1)
}

// layout chooses the length of the journal.
func (c FormatConfig) layout(g Geometry, dataSize, metaSize int64) (Layout, error) {
	l, err := journalLayout(g)
	if err != nil {
		return l, err
	}
	want := c.JournalSectors
	if want == 0 {
		want = min(maxJournal, dataSize/SectorSize/journalShare)
	}
	if want < 0 || want > 1<<32-1 {
		return l, badParams("a journal of %d sectors", want)
	}
	sections := max(1, want/int64(l.SectionSectors))
	if g.MetaDevice() {
		sections = l.sectionsApart(sections, dataSize, metaSize)
	}
	g.JournalSections = uint32(sections)
	return NewLayout(g, dataSize, metaSize)
}

// sectionsApart returns how many sections a meta device has room for, want at
// most and one at least.
func (l Layout) sectionsApart(want, dataSize, metaSize int64) int64 {
	l.ProvidedSectors = dataSize / SectorSize &^ int64(l.blockSectors()-1)
	section := int64(l.SectionSectors)
	for buffer := int64(defaultBuffer); buffer >= minBuffer; buffer /= 2 {
		if n := (metaSize/SectorSize - l.metaEnd(buffer) + section) / section; n >= 1 {
			return min(n, want)
		}
	}
	return 1
}

// superblock fills one in.
func (c FormatConfig) superblock(l Layout) *Superblock {
	sb := &Superblock{
		TagSize:          uint16(l.TagSize),
		JournalSections:  l.JournalSections,
		ProvidedSectors:  uint64(l.ProvidedSectors),
		Log2BlockSectors: uint8(bits.TrailingZeros(uint(l.blockSectors()))),
		Log2BitmapBlocks: l.log2Bitmap(c.SectorsPerBit),
	}
	if !l.MetaDevice() {
		sb.Log2Interleave = uint8(bits.TrailingZeros64(uint64(l.Interleave)))
	}
	if l.JournalMAC {
		sb.Flags |= FlagJournalMAC
	}
	if l.FixPadding {
		sb.Flags |= FlagFixPadding
	}
	if !c.LegacyHMAC {
		sb.Flags |= FlagFixHMAC
	}
	sb.SetVersion()
	return sb
}

// Format makes a device without the kernel: an empty journal, every block zero
// with the tag that belongs to it (but for NoWipe, or without an internal hash),
// and the superblock last, so that an interrupted format leaves none. meta may be
// nil. It returns the superblock, which has a random salt unless LegacyHMAC.
func Format(ctx context.Context, data, meta Storage, c FormatConfig) (*Superblock, Layout, error) {
	dataSize, err := data.Size()
	metaSize := int64(0)
	if err == nil && meta != nil {
		if metaSize, err = meta.Size(); err == nil && metaSize == 0 {
			err = fmt.Errorf("the meta device is empty: %w", ErrTooSmall)
		}
	}
	if err != nil {
		return nil, Layout{}, fmt.Errorf("integrity: formatting: %w", err)
	}
	sb, l, err := Plan(c, dataSize, metaSize)
	if err != nil {
		return nil, l, err
	}
	if sb.Flags&FlagFixHMAC != 0 {
		rand.Read(sb.Salt[:])
	}
	d := &Device{Layout: l, data: data, tags: data, sb: sb, config: Config{
		Mode: ModeDirect, InternalHash: c.InternalHash, JournalMAC: c.JournalMAC, JournalCrypt: c.JournalCrypt, PageSize: c.PageSize,
	}}
	if meta != nil {
		d.tags = meta
	}
	defer d.wipe()
	if err := d.format(ctx, c); err != nil {
		return nil, l, fmt.Errorf("integrity: formatting: %w", err)
	}
	return sb, l, nil
}

func (d *Device) format(ctx context.Context, c FormatConfig) (err error) {
	if err := d.newHash(); err != nil {
		return err
	}
	if d.journal, err = journal.New(d.journalConfig()); err != nil {
		return wrapJournal(err)
	}
	if err := d.sb.SetMAC(c.JournalMAC); err != nil {
		return err
	}
	if _, err := d.tags.WriteAt(make([]byte, SuperblockArea), d.Reserved); err != nil {
		return err
	}
	if err := d.journal.Format(ctx, d.tags); err != nil {
		return err
	}
	if d.hash != nil && !c.NoWipe {
		if err := d.wipeData(ctx, c.Progress); err != nil {
			return err
		}
	}
	if err := (sink{d}).Sync(); err != nil {
		return err
	}
	return d.writeSuperblock()
}

// wipeData writes zeros and their tags everywhere.
func (d *Device) wipeData(ctx context.Context, progress func(int64)) error {
	zeros := make([]byte, chunk)
	tags := make([]byte, chunk/d.BlockSize*d.TagSize)
	for off := int64(0); off < d.Size(); off += chunk {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := zeros[:min(chunk, d.Size()-off)]
		with := tags[:len(part)/d.BlockSize*d.TagSize]
		d.hash.Tags(with, part, uint64(off/SectorSize), d.BlockSize)
		if err := (sink{d}).WriteBlocks(part, with, uint64(off/SectorSize)); err != nil {
			return err
		}
		if progress != nil {
			progress(off + int64(len(part)))
		}
	}
	return nil
}
