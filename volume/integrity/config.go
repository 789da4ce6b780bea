package integrity

import (
	"fmt"
	"io"
)

// Mode is how a device keeps data and tags together over a crash, as the letter
// on a table line.
type Mode byte

// The modes. The inline one has its tags in metadata of the disk's own sectors,
// which an image does not have.
const (
	ModeJournal  Mode = 'J' // data and tags are written to a journal first
	ModeBitmap   Mode = 'B' // regions that are written to are marked, and computed anew after a crash
	ModeDirect   Mode = 'D' // nothing: after a crash tags may be wrong
	ModeRecovery Mode = 'R' // read-only; neither tags nor journal are looked at
	ModeInline   Mode = 'I'
)

// Storage is a device beneath, accessed at any offset and length. Its methods may
// be called concurrently.
type Storage interface {
	io.ReaderAt
	io.WriterAt
	Sync() error          // makes what was written durable
	Size() (int64, error) // bytes
}

// Config is what a table line says of a device. The zero value of a field is
// the kernel's default, except for Mode.
type Config struct {
	Reserved  int64 // bytes before the superblock; 0 with most devices
	Mode      Mode
	TagSize   int // bytes for a block; 0: that of the internal hash
	BlockSize int // bytes; 0 means 512

	// InternalHash makes the tags. Without one they belong to the layer above,
	// see [Device.Tagged].
	InternalHash Algorithm
	JournalCrypt Algorithm
	JournalMAC   Algorithm

	AllowDiscards      bool // a tag of 0xf6 bytes says that its block was discarded
	AllowDiscardsKeyed bool // so does one made of no data, with the key
	Recalculate        bool // tags are to be computed anew, if that was not begun before
	ResetRecalculate   bool // tags are to be computed anew
	LegacyRecalculate  bool // with keyed hashes too

	SectorsPerBit uint64 // of the bitmap; 0 means 32768
	PageSize      int    // bytes, of the kernel that encrypted the journal; 0 means 4096
}

// check refuses what does not depend on the devices, and fills in defaults.
func (c Config) check() (Config, error) {
	if c.BlockSize == 0 {
		c.BlockSize = SectorSize
	}
	hashed := c.InternalHash.Name != ""
	switch {
	case c.Mode == ModeInline:
		return c, fmt.Errorf("integrity: mode I: its tags are metadata of the sectors of a disk, which are not in an image: %w", ErrUnsupported)
	case c.Mode != ModeJournal && c.Mode != ModeBitmap && c.Mode != ModeDirect && c.Mode != ModeRecovery:
		return c, badParams("mode %q: want J, B, D or R", c.Mode)
	case !hashed && c.TagSize == 0:
		return c, badParams("neither a tag size nor an internal hash to take it from")
	case !hashed && c.Mode == ModeBitmap:
		return c, badParams("mode B without an internal hash: nothing could compute the tags anew")
	case !hashed && (c.AllowDiscards || c.AllowDiscardsKeyed || c.Recalculate || c.ResetRecalculate):
		return c, badParams("discards and recalculation need an internal hash")
	}
	return c, nil
}
