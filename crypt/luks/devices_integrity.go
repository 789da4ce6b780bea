package luks

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/tables"
)

// authenticated makes the two devices of a segment whose sectors carry tags.
func (m *mapping) authenticated(s *Segment) ([]tables.Device, error) {
	kind := clip(s.Integrity.Type)
	if m.o.Integrity == nil {
		return nil, fmt.Errorf("integrity %s: %w", kind, ErrUnsupported)
	}
	if _, err := m.length(s); err != nil {
		return nil, err
	}
	if uint64(s.Offset) > math.MaxInt64-uint64(m.o.Offset) {
		return nil, bad("segment offset %d", s.Offset)
	}
	offset := int64(s.Offset) + m.o.Offset
	area, err := m.o.Integrity(offset)
	if err != nil {
		return nil, fmt.Errorf("integrity %s at byte %d: %w", kind, offset, err)
	}
	unit := uint64(s.SectorSize)
	area.DataSize -= area.DataSize % unit
	under := tables.IntegrityTable{
		Length: area.DataSize, Device: m.o.Device, Offset: uint64(offset), TagSize: area.TagSize, Mode: "J",
		Features: slices.Clone(area.Features),
	}
	if m.noJournal {
		under.Mode = "D"
	}
	if unit != SectorSize {
		under.Features = append(under.Features, fmt.Sprintf("block_size:%d", unit))
	}
	spec, tag := AuthenticatedSpec(s.Encryption, s.Integrity.Type)
	t := tables.CryptTable{
		Length: area.DataSize, BackendDevice: "/dev/mapper/" + m.o.Name + "_dif", Encryption: spec,
		IVTweak: uint64(s.IVTweak), Flags: slices.Clone(m.flags), Integrity: fmt.Sprintf("%d:%s", area.TagSize, tag),
	}
	if unit != SectorSize {
		t.SectorSize = unit
	}
	top, err := m.withKey(t)
	if err != nil {
		return nil, err
	}
	return []tables.Device{
		{Name: m.o.Name + "_dif", Tables: []tables.Table{under}},
		{Name: m.o.Name, Tables: []tables.Table{top}},
	}, nil
}

// AuthenticatedSpec returns the cipher specification of a table for a segment whose sectors
// carry tags, and the kind of tags: LUKS2 names cipher and integrity apart, such as
// aes-xts-random and hmac(sha256), the kernel wants them as one, by their crypto API name.
func AuthenticatedSpec(encryption, integrity string) (spec, kind string) {
	parts := strings.SplitN(encryption, "-", 3)
	switch {
	case integrity == "none":
		return encryption, "none"
	case len(parts) == 2 && integrity == "poly1305": // chacha20-random
		return fmt.Sprintf("capi:rfc7539(%s,poly1305)-%s", parts[0], parts[1]), "aead"
	case len(parts) == 2: // a cipher that is its own mode, such as aegis128-random
		return "capi:" + encryption, "aead"
	case len(parts) != 3:
		return encryption, "aead"
	}
	name, mode, iv := parts[0], parts[1], parts[2]
	switch {
	case strings.HasPrefix(integrity, "hmac(") || strings.HasPrefix(integrity, "cmac("):
		return fmt.Sprintf("capi:authenc(%s,%s(%s))-%s", integrity, mode, name, iv), "aead"
	case mode == "ccm": // with the nonces of RFC 4309
		return fmt.Sprintf("capi:rfc4309(ccm(%s))-%s", name, iv), "aead"
	}
	return fmt.Sprintf("capi:%s(%s)-%s", mode, name, iv), "aead"
}
