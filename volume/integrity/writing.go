package integrity

import (
	"context"
	"fmt"
)

// begin makes the device ready for the first write, as a kernel that loads it
// would: what is in the journal goes to its place, and the superblock says what
// is going on. After an error nothing can be read or written any more.
func (d *Device) begin(ctx context.Context) error {
	if d.sb.Flags&FlagDirtyBitmap != 0 && (d.hash == nil || !d.mayRecalculate()) {
		return fmt.Errorf("integrity: the device was in bitmap mode and not shut down: its tags are to be computed anew, which with a key needs legacy_recalculate: %w", ErrUnsupported)
	}
	if err := d.beginWriting(ctx); err != nil {
		d.failed = fmt.Errorf("integrity: making the device ready for writing: %w", err)
		return d.failed
	}
	d.begun = true
	return nil
}

func (d *Device) beginWriting(ctx context.Context) error {
	if err := d.endBitmap(ctx); err != nil {
		return err
	}
	before := *d.sb
	d.sb.ProvidedSectors = uint64(d.ProvidedSectors)
	if d.config.ResetRecalculate || d.config.Recalculate && d.sb.Flags&FlagRecalculating == 0 {
		d.recalculateAll()
	}
	if d.config.AllowDiscardsKeyed {
		d.sb.Flags |= FlagDiscardKeyed
	}
	if *d.sb != before {
		if err := d.writeSuperblock(); err != nil {
			return err
		}
	}
	if d.sb.Flags&FlagDirtyBitmap != 0 { // in mode B, with bits that stay
		return nil
	}
	var err error
	if d.config.Mode == ModeJournal {
		d.writer, err = d.journal.NewWriter(ctx, d.tags, sink{d})
	} else {
		err = d.journal.Replay(ctx, d.tags, sink{d})
	}
	if err != nil {
		return err
	}
	d.overlay = nil
	if d.config.Mode == ModeBitmap {
		return d.beginBitmap()
	}
	return nil
}

// recalculateAll says that all tags are to be computed anew.
func (d *Device) recalculateAll() {
	d.sb.Flags |= FlagRecalculating
	d.sb.RecalcSector = 0
	d.unchecked.from = 0
}

// beginBitmap turns the journal's area into a bitmap. The superblock says so
// first: a bitmap where a journal should be would be a damaged journal, while a
// journal where a bitmap should be marks more than it has to.
func (d *Device) beginBitmap() error {
	d.bitmap = bitmap{log2: d.log2Bitmap(d.config.SectorsPerBit), set: make(map[int64]bool)}
	d.sb.Flags |= FlagDirtyBitmap
	d.sb.Log2BitmapBlocks = d.bitmap.log2
	if err := d.writeSuperblock(); err != nil {
		return err
	}
	return d.clearBitmap()
}

// endBitmap deals with a bitmap that an unclean shutdown has left. In the same
// mode its bits stay for the kernel, which computes those tags anew. In any other
// way all tags are to be computed anew if a bit is set, and the journal comes back.
func (d *Device) endBitmap(ctx context.Context) error {
	if d.sb.Flags&FlagDirtyBitmap == 0 {
		return nil
	}
	if d.unchecked.dirty {
		found, err := d.anyDirty()
		d.bitmap = bitmap{log2: d.unchecked.log2, set: make(map[int64]bool), found: found}
		return err
	}
	if d.unchecked.all {
		d.recalculateAll()
		if err := d.writeSuperblock(); err != nil {
			return err
		}
	}
	return d.restoreJournal(ctx)
}

// restoreJournal puts an empty journal where a bitmap was, then says so.
func (d *Device) restoreJournal(ctx context.Context) error {
	if err := d.journal.Format(ctx, d.tags); err != nil {
		return fmt.Errorf("integrity: emptying the journal: %w", err)
	}
	d.sb.Flags &^= FlagDirtyBitmap
	return d.writeSuperblock()
}

// writeSuperblock writes the superblock, with the version and MAC it should have.
func (d *Device) writeSuperblock() error {
	d.sb.SetVersion()
	if err := d.sb.SetMAC(d.config.JournalMAC); err != nil {
		return err
	}
	if err := WriteSuperblock(d.tags, d.Reserved, d.sb); err != nil {
		return err
	}
	if err := d.tags.Sync(); err != nil {
		return fmt.Errorf("integrity: syncing the superblock: %w", err)
	}
	return nil
}

// Close makes durable what was written, empties the journal or the bitmap, and
// wipes the keys. A second Close does nothing. The storage stays open.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	defer d.wipe()
	if !d.begun || d.failed != nil {
		return nil
	}
	ctx := context.Background()
	if d.writer != nil {
		if err := d.writer.Close(ctx); err != nil {
			return err
		}
		return sink{d}.Sync()
	}
	if err := (sink{d}).Sync(); err != nil || d.config.Mode != ModeBitmap {
		return err
	}
	if err := d.unmark(); err != nil || d.bitmap.found {
		return err
	}
	return d.restoreJournal(ctx)
}
