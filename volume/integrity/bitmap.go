package integrity

import (
	"fmt"
	"slices"
)

// bitmap is what a device in mode B knows of the bits.
type bitmap struct {
	log2  uint8          // of the blocks that a bit covers
	set   map[int64]bool // bits that are set: whether by this device
	found bool           // others were set when it was opened: they stay
}

// mark sets the bits of the regions of some blocks, durably, before anything is
// written to them.
func (d *Device) mark(block, count int64) error {
	b := &d.bitmap
	var fresh []int64
	for bit := block >> b.log2; bit <= (block+count-1)>>b.log2; bit++ {
		if _, known := b.set[bit]; !known {
			fresh = append(fresh, bit)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	changed, err := d.changeBits(fresh, true)
	if err != nil {
		return err
	}
	if err := d.tags.Sync(); err != nil {
		return fmt.Errorf("integrity: syncing the bitmap: %w", err)
	}
	for _, bit := range fresh {
		b.set[bit] = slices.Contains(changed, bit)
	}
	return nil
}

// unmark clears the bits that this device has set, whose regions are durable.
func (d *Device) unmark() error {
	var list []int64
	for bit, own := range d.bitmap.set {
		if own {
			list = append(list, bit)
		}
	}
	slices.Sort(list)
	if _, err := d.changeBits(list, false); err != nil {
		return err
	}
	for _, bit := range list {
		delete(d.bitmap.set, bit)
	}
	return nil
}

// changeBits sets or clears bits, which are in order, and returns those that
// were not so before.
func (d *Device) changeBits(bits []int64, set bool) (changed []int64, err error) {
	for len(bits) > 0 {
		page := bits[0] / (bitmapUnit * 8)
		at := d.JournalOffset() + page*bitmapUnit
		var b [bitmapUnit]byte
		if err := readFull(d.tags, b[:], at); err != nil {
			return changed, fmt.Errorf("integrity: reading the bitmap: %w", err)
		}
		for len(bits) > 0 && bits[0]/(bitmapUnit*8) == page {
			in, mask := bits[0]/8%bitmapUnit, byte(1)<<(bits[0]%8)
			if b[in]&mask != 0 != set {
				changed = append(changed, bits[0])
				b[in] ^= mask
			}
			bits = bits[1:]
		}
		if _, err := d.tags.WriteAt(b[:], at); err != nil {
			return changed, fmt.Errorf("integrity: writing the bitmap: %w", err)
		}
	}
	return changed, nil
}

// clearBitmap writes one without bits.
func (d *Device) clearBitmap() error {
	zero := make([]byte, 64<<10)
	for at, end := int64(0), d.bitmapSize(d.bitmap.log2); at < end; at += int64(len(zero)) {
		if _, err := d.tags.WriteAt(zero[:min(int64(len(zero)), end-at)], d.JournalOffset()+at); err != nil {
			return fmt.Errorf("integrity: writing the bitmap: %w", err)
		}
	}
	return d.tags.Sync()
}
