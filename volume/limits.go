package volume

import (
	"fmt"

	"github.com/dmimg/dmimg/tables"
)

// Blocked is a device or engine that reads, or fails to read, units larger
// than a sector as a whole: verity a data block, crypt an encryption sector.
// It is what the kernel calls the logical block size: a table may map only
// whole blocks of such a device.
type Blocked interface {
	BlockSize() int // bytes, a power of two
}

// Aligned is a device or engine that is accessed in units larger than a
// sector only; other offsets and lengths are [ErrUnaligned].
type Aligned interface {
	Alignment() int // bytes, a power of two
}

// limits are the two units of an engine; engines embed it.
type limits struct{ block, align int }

// BlockSize is the unit in bytes that fails as a whole.
func (l limits) BlockSize() int { return l.block }

// Alignment is the unit in bytes that offsets and lengths must be multiples of.
func (l limits) Alignment() int { return l.align }

// limitsOf joins the units of devices or engines: the largest wins, since all
// are powers of two.
func limitsOf(devices ...any) limits {
	l := limits{tables.SectorSize, tables.SectorSize}
	for _, d := range devices {
		if b, ok := d.(Blocked); ok {
			l.block = max(l.block, b.BlockSize())
		}
		if a, ok := d.(Aligned); ok {
			l.align = max(l.align, a.Alignment())
		}
	}
	l.block = max(l.block, l.align)
	return l
}

// whole says that all of a range may hold data.
func whole(off, length int64) []Extent {
	if length <= 0 {
		return nil
	}
	return []Extent{{off, length}}
}

// wantChunks refuses chunks that would cut the blocks of a device.
func (l limits) wantChunks(chunk int64) error {
	if chunk%int64(l.block) != 0 {
		return fmt.Errorf("chunks of %d bytes over blocks of %d: %w", chunk, l.block, ErrUnaligned)
	}
	return nil
}
