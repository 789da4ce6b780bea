package crypt

import (
	"fmt"
	"math/bits"
)

// sectorShift is log2 of the 512-byte sector in which the kernel counts.
const sectorShift = 9

// Config is what a crypt table line says besides where the data is. The zero
// value of each field is the kernel's default.
type Config struct {
	Spec           string // cipher specification, such as "aes-xts-plain64"
	Key            []byte // all keys, one after the other; not kept, not changed
	IVOffset       uint64 // 512-byte sectors, added to the sector for the IV, modulo 2^64
	SectorSize     int    // sector_size, bytes: 512, 1024, 2048 or 4096; 0 means 512
	IVLargeSectors bool   // iv_large_sectors: IVs count SectorSize units, not 512 bytes
	KeyCount       int    // number of keys; 0 means what Spec says, or 1
	Integrity      string // integrity, "" or "<bytes>:<type>" as on the table line; see NewAEADDevice

	// IntegrityKeySize is integrity_key_size: bytes of the MAC's key at the end of
	// Key; 0 means as many as the MAC has.
	IntegrityKeySize int

	Implementation string // one of Implementations(); "" means the best here
}

// geometry is the part of a Config that numbers sectors.
type geometry struct {
	unit     int    // bytes of an encryption sector
	step     uint64 // 512-byte sectors from one encryption sector to the next
	shift    uint   // how far a 512-byte sector number is shifted to number IVs
	ivOffset uint64 // 512-byte sectors
}

// geometry checks sector size and IV offset. The kernel demands an IV offset
// that is a multiple of the encryption sector with and without
// iv_large_sectors.
func (c *Config) geometry() (geometry, error) {
	unit := c.SectorSize
	switch unit {
	case 0:
		unit = 512
	case 512, 1024, 2048, 4096:
	default:
		return geometry{}, fmt.Errorf("crypt: sector size of %d bytes, want 512, 1024, 2048 or 4096: %w", unit, ErrSectorSize)
	}
	g := geometry{unit: unit, step: uint64(unit >> sectorShift), ivOffset: c.IVOffset}
	if c.IVOffset%g.step != 0 {
		return geometry{}, fmt.Errorf("crypt: iv offset %d is not a multiple of the %d sectors in %d bytes: %w",
			c.IVOffset, g.step, unit, ErrUnaligned)
	}
	if c.IVLargeSectors {
		g.shift = uint(bits.TrailingZeros64(g.step))
	}
	return g, nil
}

// keyCount settles how many keys there are: as the specification says, or as
// KeyCount says, and not one thing here and another there. The capi: form has no
// word for it: one key, or the 64 of loop-AES with the IV mode lmk.
func (c *Config) keyCount(spec Spec) (int, error) {
	capiCount := 1
	if spec.IV == ivLMK.name {
		capiCount = 64
	}
	count := max(c.KeyCount, spec.KeyCount, 1)
	if spec.CAPI && c.KeyCount == 0 {
		count = capiCount
	}
	switch {
	case c.KeyCount < 0 || count&(count-1) != 0:
		return 0, fmt.Errorf("crypt: key count %d is not a power of two: %w", c.KeyCount, ErrSpec)
	case c.KeyCount > 0 && spec.KeyCount > 0 && c.KeyCount != spec.KeyCount:
		return 0, fmt.Errorf("crypt: key count %d, but cipher spec %q says %d: %w", c.KeyCount, spec, spec.KeyCount, ErrSpec)
	case spec.CAPI && count != capiCount:
		return 0, fmt.Errorf("crypt: key count %d, but the capi: form has %d here: %w", count, capiCount, ErrSpec)
	}
	return count, nil
}
