package integrity

import (
	"fmt"
	"math"
)

// unchecked is which blocks have tags that mean nothing yet: the kernel shows
// their data without looking at the tags.
type unchecked struct {
	all  bool  // every block
	from int64 // this block and those behind it
	// dirty: those of the regions that the bitmap marks, which is read when it is needed
	dirty bool
	log2  uint8 // of the blocks that a bit of the bitmap covers
}

// findUnchecked finds out which blocks are not to be checked: all in recovery
// mode, otherwise those whose tags are yet to be computed anew.
func (d *Device) findUnchecked() error {
	u := &d.unchecked
	u.from = math.MaxInt64
	if d.config.Mode == ModeRecovery {
		u.all = true
		return nil
	}
	if d.hash == nil {
		return nil
	}
	allowed := d.mayRecalculate()
	if !allowed {
		if d.config.Recalculate || d.config.ResetRecalculate {
			return fmt.Errorf("integrity: computing tags anew with a key would make any data good: it needs legacy_recalculate: %w", ErrBadParams)
		}
		return nil
	}
	begun := d.sb.Flags&FlagRecalculating != 0
	u.all = d.config.ResetRecalculate || d.config.Recalculate && !begun
	if begun {
		if d.sb.RecalcSector > uint64(d.ProvidedSectors) {
			return fmt.Errorf("integrity: %w", badSuperblock("tags are computed up to sector %d of %d", d.sb.RecalcSector, d.ProvidedSectors))
		}
		u.from = int64(d.sb.RecalcSector) / int64(d.blockSectors())
	}
	if d.sb.Flags&FlagDirtyBitmap != 0 && !u.all {
		return d.findDirty()
	}
	return nil
}

// mayRecalculate says whether the kernel computes tags anew. With a key that
// would vouch for whatever is there, so that it has to be asked for, unless the
// superblock that says so has a MAC itself.
func (d *Device) mayRecalculate() bool {
	if d.config.LegacyRecalculate {
		return true
	}
	mac := len(d.config.JournalMAC.Key) != 0
	if d.sb.Flags&FlagFixHMAC == 0 {
		return !d.hash.Keyed() && !mac
	}
	return !d.hash.Keyed() || mac
}

// findDirty is for a device that was in bitmap mode and not shut down. In that
// mode, with regions of the same size, those that are marked are computed anew;
// in any other way all are, if any is marked.
func (d *Device) findDirty() error {
	u := &d.unchecked
	u.log2 = d.sb.Log2BitmapBlocks
	if size := d.bitmapSize(u.log2); size > d.JournalSize() {
		return fmt.Errorf("integrity: %w", badSuperblock("the bitmap needs %d bytes, and there are %d", size, d.JournalSize()))
	}
	same := u.log2 == d.log2Bitmap(d.config.SectorsPerBit)
	if d.config.Mode == ModeBitmap {
		u.dirty, u.all = same, !same
		return nil
	}
	any, err := d.anyDirty()
	u.all = any || !same
	return err
}

const defaultSectorsPerBit = 32768

// log2Bitmap returns what the kernel makes of sectors_per_bit: the blocks that a
// bit covers, rounded down to a power of two, more where the journal's area has
// no room for the bits.
func (l *Layout) log2Bitmap(sectors uint64) uint8 {
	if sectors == 0 {
		sectors = defaultSectorsPerBit
	}
	log2 := uint8(0)
	for log2 < 62 && uint64(2*l.blockSectors())<<log2 <= sectors {
		log2++
	}
	for log2 < 62 && l.bitmapSize(log2) > l.JournalSize() {
		log2++
	}
	return log2
}

// bitmapUnit is what bitmaps are multiples of, in bytes.
const bitmapUnit = 4096

// bitmapSize returns the bytes of a bitmap.
func (l *Layout) bitmapSize(log2 uint8) int64 {
	bits := (l.Blocks()-1)>>log2 + 1
	return roundUp((bits-1)/8+1, bitmapUnit)
}

// anyDirty says whether any region is marked.
func (d *Device) anyDirty() (bool, error) {
	end := (d.Blocks()-1)>>d.unchecked.log2/8 + 1
	b := make([]byte, 64<<10)
	for at := int64(0); at < end; at += int64(len(b)) {
		part := b[:min(int64(len(b)), end-at)]
		if err := readFull(d.tags, part, d.JournalOffset()+at); err != nil {
			return false, fmt.Errorf("integrity: reading the bitmap: %w", err)
		}
		for _, v := range part {
			if v != 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// isUnchecked says whether a block is not to be checked.
func (d *Device) isUnchecked(block int64) (bool, error) {
	u := d.unchecked
	if u.all || block >= u.from {
		return true, nil
	}
	if !u.dirty {
		return false, nil
	}
	bit := block >> u.log2
	var b [1]byte
	if err := readFull(d.tags, b[:], d.JournalOffset()+bit/8); err != nil {
		return false, fmt.Errorf("integrity: reading the bitmap: %w", err)
	}
	return b[0]>>(bit%8)&1 != 0, nil
}

// Recalculated returns the sector up to which tags were computed anew; false when
// that was never begun.
func (d *Device) Recalculated() (sector uint64, begun bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.sb.RecalcSector, d.sb.Flags&FlagRecalculating != 0
}
