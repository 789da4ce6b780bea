package integrity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// Device is an integrity device: what the kernel would show of the data.
// Offsets and lengths are bytes, multiples of the block size. Its methods may
// be called concurrently, Close last.
type Device struct {
	Layout

	data, tags Storage // the same one without a meta device
	config     Config
	sb         *Superblock
	hash       *Hash // nil: tags belong to the layer above
	unchecked  unchecked
	journal    *journal.Journal
	overlay    *journal.Overlay // nil: nothing to be replayed
	begun      bool             // it was written to
	writer     *journal.Writer  // nil: not begun, or written without the journal
	bitmap     bitmap           // of a device that is written to in mode B
	failed     error            // why nothing can be read or written
	mismatches atomic.Uint64
	scratch    sync.Pool // of *[]byte, room for the tags of a chunk

	mu     sync.RWMutex // held for reading during reads, for writing otherwise
	closed bool
}

// chunk is how many bytes of data are read before their tags are looked at.
const chunk = 256 << 10

// Open opens a device. meta holds superblock, journal and tags if it is not
// nil. Neither is closed by the Device. Nothing is written before the first
// write: what is in the journal is shown, but stays there until then.
//
// Errors wrap [ErrNotIntegrity], [ErrBadSuperblock], [ErrTooSmall],
// [ErrUnsupported], or [ErrBadParams] where config and superblock disagree. A
// damaged journal is no error here, as in the kernel: every read is [ErrJournal].
func Open(ctx context.Context, data, meta Storage, c Config) (*Device, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	d := &Device{data: data, tags: data, config: c}
	if meta != nil {
		d.tags = meta
	}
	if err := d.open(ctx, meta); err != nil {
		d.wipe()
		return nil, err
	}
	size := chunk / d.BlockSize * d.TagSize
	d.scratch.New = func() any {
		b := make([]byte, size)
		return &b
	}
	return d, nil
}

func (d *Device) open(ctx context.Context, meta Storage) (err error) {
	if d.sb, err = ReadSuperblock(d.tags, d.config.Reserved); err != nil {
		return err
	}
	if err := d.newHash(); err != nil {
		return err
	}
	if err := d.matches(meta != nil); err != nil {
		return err
	}
	if err := d.sb.CheckMAC(d.config.JournalMAC); err != nil {
		return err
	}
	size, err := d.data.Size()
	metaSize := int64(0)
	if err == nil && meta != nil {
		metaSize, err = meta.Size()
	}
	if err != nil {
		return fmt.Errorf("integrity: size of the device: %w", err)
	}
	if d.Layout, err = NewLayout(d.sb.Geometry(d.config.Reserved), size, metaSize); err != nil {
		return err
	}
	if err := d.openJournal(ctx); err != nil {
		return err
	}
	return d.findUnchecked()
}

// newHash makes the internal hash.
func (d *Device) newHash() (err error) {
	if d.config.InternalHash.Name == "" {
		return nil
	}
	var salt []byte
	if d.sb.Flags&FlagFixHMAC != 0 {
		salt = d.sb.Salt[:]
	}
	d.hash, err = NewHash(d.config.InternalHash, salt)
	if err == nil && d.config.TagSize == 0 {
		d.config.TagSize = d.hash.Size()
	}
	return err
}

// matches compares the table line with the superblock, as the kernel does.
func (d *Device) matches(meta bool) error {
	sb, c := d.sb, d.config
	switch {
	case sb.Flags&FlagInline != 0:
		return fmt.Errorf("integrity: inline tags are metadata of the sectors of a disk, which are not in an image: %w", ErrUnsupported)
	case int(sb.TagSize) != c.TagSize:
		return badParams("tags of %d bytes were asked for, the superblock has %d", c.TagSize, sb.TagSize)
	case sb.BlockSize() != c.BlockSize:
		return badParams("blocks of %d bytes were asked for, the superblock has %d", c.BlockSize, sb.BlockSize())
	case sb.MetaDevice() && !meta:
		return badParams("tags are on a meta device, and none is given")
	case !sb.MetaDevice() && meta:
		return badParams("a meta device is given, and the tags are between the data")
	case sb.Flags&FlagDiscardKeyed != 0 && !c.AllowDiscardsKeyed:
		return badParams("the superblock allows discards with the key, which cannot be taken back, and allow_discards_keyed is not given")
	case sb.Flags&FlagJournalMAC != 0 && c.JournalMAC.Name == "":
		return badParams("the journal has a MAC, and no journal_mac is given")
	case sb.Flags&FlagJournalMAC == 0 && c.JournalMAC.Name != "":
		return badParams("journal_mac is given, and the journal has no MAC")
	}
	return nil
}

// openJournal finds what the journal holds that has not reached its place.
func (d *Device) openJournal(ctx context.Context) (err error) {
	if d.config.Mode == ModeRecovery {
		return nil
	}
	if d.journal, err = journal.New(d.journalConfig()); err != nil {
		return fmt.Errorf("integrity: %w", wrapJournal(err))
	}
	if d.sb.Flags&FlagDirtyBitmap != 0 {
		return nil
	}
	d.overlay, err = d.journal.ReadOverlay(ctx, d.tags)
	switch {
	case errors.Is(err, journal.ErrDamaged):
		d.failed, err = fmt.Errorf("integrity: nothing can be read: %w: %w", ErrJournal, err), nil
	case err == nil && d.overlay.Len() == 0:
		d.overlay = nil
	}
	return err
}

// wrapJournal translates the sentinels of package journal.
func wrapJournal(err error) error {
	switch {
	case errors.Is(err, journal.ErrUnsupported):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	case errors.Is(err, journal.ErrConfig):
		return fmt.Errorf("%w: %w", ErrBadParams, err)
	}
	return err
}

func (d *Device) journalConfig() journal.Config {
	c := journal.Config{
		Start:        d.JournalOffset(),
		Sections:     d.JournalSections,
		TagSize:      d.TagSize,
		BlockSectors: d.blockSectors(),
		DataSectors:  uint64(d.ProvidedSectors),
		HasMAC:       d.JournalMAC,
		MAC:          journal.Algorithm(d.config.JournalMAC),
		Crypt:        journal.Algorithm(d.config.JournalCrypt),
		FixHMAC:      d.sb.Flags&FlagFixHMAC != 0,
		Salt:         d.sb.Salt,
		PageSize:     d.config.PageSize,
	}
	if d.hash != nil {
		c.Verify = d.hash.Fits
	}
	return c
}

// Superblock returns a copy of the superblock.
func (d *Device) Superblock() Superblock {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return *d.sb
}

// Mismatches returns how many times a block did not fit its tag.
func (d *Device) Mismatches() uint64 { return d.mismatches.Load() }

// Journaled returns how many blocks the journal holds that a kernel would write
// to their places when it loads the device.
func (d *Device) Journaled() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.overlay == nil {
		return 0
	}
	return d.overlay.Len()
}

// wipe forgets the keys.
func (d *Device) wipe() {
	if d.hash != nil {
		d.hash.Close()
	}
	if d.journal != nil {
		d.journal.Close()
	}
}
