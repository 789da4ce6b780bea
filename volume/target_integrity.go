package volume

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integrityEngine is dm-integrity (Linux,
// Documentation/admin-guide/device-mapper/dm-integrity.rst). The rules are those
// of package integrity; here a table is translated. What the options of the
// table say about buffers, watermarks and times is for the kernel's scheduling
// and does nothing; those for formatting neither, since an unformatted device is
// refused.
type integrityEngine struct {
	*integrity.Device
	limits
	start, length uint64 // bytes
	mode          string
}

func openIntegrity(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.IntegrityTable](t)
	if err != nil {
		return nil, err
	}
	options, err := table.Options()
	if err != nil {
		return nil, err
	}
	data, err := integrityStorage(env, table.Device)
	if err != nil {
		return nil, err
	}
	var meta integrity.Storage
	if options.MetaDevice != "" {
		if meta, err = integrityStorage(env, options.MetaDevice); err != nil {
			return nil, fmt.Errorf("meta %w", err)
		}
	}
	device, err := integrity.Open(context.Background(), data, meta, integrityConfig(table, options))
	if err != nil {
		return nil, integrityError(err)
	}
	e := &integrityEngine{
		Device: device, limits: limits{device.BlockSize, device.BlockSize},
		start: table.Start, length: table.Length, mode: table.Mode,
	}
	switch size := uint64(device.Size()); {
	case table.Length > size:
		err = fmt.Errorf("%d bytes are mapped, the device provides %d: %w", table.Length, size, ErrDeviceTooSmall)
	case table.Length%uint64(device.BlockSize) != 0:
		err = fmt.Errorf("length of %d bytes: not whole blocks of %d: %w", table.Length, device.BlockSize, ErrUnaligned)
	}
	if err != nil {
		return nil, errors.Join(err, device.Close())
	}
	return e, nil
}

// integrityStorage opens a device, to be accessed at any offset.
func integrityStorage(env Env, name string) (integrity.Storage, error) {
	b, err := env.Backend(name)
	if err != nil {
		return nil, err
	}
	return Bytes(b), nil // which is not closed: the device is the environment's
}

// integrityConfig translates the words of the table.
func integrityConfig(table tables.IntegrityTable, o tables.IntegrityOptions) integrity.Config {
	return integrity.Config{
		Reserved:           int64(min(table.Offset, math.MaxInt64)),
		Mode:               integrity.Mode(table.Mode[0]),
		TagSize:            int(table.TagSize),
		BlockSize:          int(o.BlockSize),
		InternalHash:       integrity.Algorithm(o.InternalHash),
		JournalCrypt:       integrity.Algorithm(o.JournalCrypt),
		JournalMAC:         integrity.Algorithm(o.JournalMAC),
		AllowDiscards:      o.AllowDiscards,
		AllowDiscardsKeyed: o.AllowDiscardsKeyed,
		Recalculate:        o.Recalculate,
		ResetRecalculate:   o.ResetRecalculate,
		LegacyRecalculate:  o.LegacyRecalculate,
		SectorsPerBit:      o.SectorsPerBit,
	}
}

// integrityError adds the sentinels of this package to those of package integrity.
func integrityError(err error) error {
	switch {
	case errors.Is(err, integrity.ErrUnsupported):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	case errors.Is(err, integrity.ErrTooSmall):
		return fmt.Errorf("%w: %w", ErrDeviceTooSmall, err)
	}
	return err
}

// ReadOnly: recovery mode looks at neither tags nor journal.
func (e *integrityEngine) ReadOnly() bool { return e.mode == "R" }

// Discard is refused without allow_discards, as in the kernel.
func (e *integrityEngine) Discard(off, length int64) error {
	return integrityError(e.Device.Discard(off, length))
}

// Status counts the blocks that did not fit their tags.
func (e *integrityEngine) Status() tables.Status {
	s := tables.IntegrityStatus{
		StatusHeader: tables.StatusHeader{Start: e.start, Length: e.length},
		Mismatches:   e.Mismatches(), ProvidedSectors: uint64(e.ProvidedSectors),
	}
	if at, ok := e.Recalculated(); ok {
		s.RecalcSector = &at
	}
	return s
}
