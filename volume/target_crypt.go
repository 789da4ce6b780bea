package volume

import (
	"errors"
	"fmt"
	"math"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/tables"
)

// cryptEngine is dm-crypt (Linux,
// Documentation/admin-guide/device-mapper/dm-crypt.rst). The rules are those
// of package crypt; here a table is translated. Its tags, if it has any, are kept by
// an integrity device under it.
type cryptEngine struct {
	*crypt.Device
	limits
	under *linear // for discards; nil when the table does not allow them
}

func openCrypt(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.CryptTable](t)
	if err != nil {
		return nil, err
	}
	unit := max(table.SectorSize, tables.SectorSize)
	if unit > math.MaxInt32 || table.Length%unit != 0 {
		return nil, fmt.Errorf("length of %d bytes: not whole encryption sectors of %d: %w", table.Length, unit, ErrUnaligned)
	}
	if table.BackendOffset%unit != 0 {
		return nil, fmt.Errorf("offset of %d bytes: not whole encryption sectors of %d: %w", table.BackendOffset, unit, ErrUnaligned)
	}
	if table.IVTweak%(unit/tables.SectorSize) != 0 {
		return nil, fmt.Errorf("iv offset %d: not whole encryption sectors of %d bytes: %w", table.IVTweak, unit, ErrUnaligned)
	}
	under, err := newLinear(env, table.BackendDevice, table.BackendOffset, table.Length)
	if err != nil {
		return nil, err
	}
	config, err := cryptConfig(env, table)
	if err != nil {
		return nil, err
	}
	device, err := newCrypt(under, table, config)
	if err != nil {
		return nil, err
	}
	e := &cryptEngine{Device: device, limits: limitsOf(under, limits{int(unit), int(unit)})}
	if table.HasFlag(tables.CryptFlagAllowDiscards) {
		e.under = under
	}
	return e, nil
}

// cryptConfig translates the words of the table. Options that steer the
// kernel's work queues change no byte and have no counterpart.
func cryptConfig(env Env, table tables.CryptTable) (crypt.Config, error) {
	config := crypt.Config{
		Spec:           table.Encryption,
		Key:            table.Key,
		IVOffset:       table.IVTweak,
		SectorSize:     int(table.SectorSize),
		IVLargeSectors: table.HasFlag(tables.CryptFlagIVLargeSectors),
		Integrity:      table.Integrity,

		IntegrityKeySize: int(min(table.IntegrityKeySize, math.MaxInt32)),
	}
	if table.KeyID == "" {
		return config, nil
	}
	if len(table.Key) > 0 {
		return config, errors.New("a key and a key reference at once")
	}
	key, err := env.Key(table.KeyID)
	config.Key = key
	return config, err
}

// newCrypt opens the device: with authentication on top of an integrity device
// that stores the tags, otherwise on any.
func newCrypt(under *linear, table tables.CryptTable, config crypt.Config) (*crypt.Device, error) {
	if table.Integrity == "" {
		return crypt.NewDevice(under, 0, config)
	}
	m, ok := under.device.(*Mapped)
	if !ok {
		return nil, fmt.Errorf("integrity:%s: device %q is no integrity device: %w", table.Integrity, table.BackendDevice, ErrUnsupported)
	}
	tagged, ok := m.Tagged()
	if !ok {
		return nil, fmt.Errorf("integrity:%s: device %q stores no tags: %w", table.Integrity, table.BackendDevice, ErrUnsupported)
	}
	return crypt.NewAEADDevice(taggedArea{tagged, under.offset, m.BlockSize()}, config)
}

// taggedArea is tagged storage from an offset on.
type taggedArea struct {
	crypt.TaggedStorage
	offset int64 // bytes
	block  int   // bytes that a tag belongs to
}

func (a taggedArea) BlockSize() int { return a.block }

func (a taggedArea) ReadTagged(p, tags []byte, off int64) error {
	return a.TaggedStorage.ReadTagged(p, tags, a.offset+off)
}

func (a taggedArea) WriteTagged(p, tags []byte, off int64) error {
	return a.TaggedStorage.WriteTagged(p, tags, a.offset+off)
}

// Discard passes down if the table has allow_discards, and is refused
// otherwise, as the kernel does. What is read there later is noise.
func (e *cryptEngine) Discard(off, length int64) error {
	if e.under == nil {
		return fmt.Errorf("discard without %s: %w", tables.CryptFlagAllowDiscards, ErrUnsupported)
	}
	return e.under.Discard(off, length)
}
