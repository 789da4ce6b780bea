package luks

import (
	"errors"
	"fmt"
	"math"
)

// fit1 refuses metadata that LUKS1 has no place for.
func (m *Metadata) fit1() error {
	switch {
	case len(m.Tokens) > 0:
		return option("LUKS1 has no tokens: remove the %d that there are first", len(m.Tokens))
	case len(m.Segments) != 1:
		return option("LUKS1 has one segment, not %d", len(m.Segments))
	case len(m.Digests) != 1 || m.Digests[0] == nil:
		return option("LUKS1 has one digest, not %d: remove unbound keys first", len(m.Digests))
	case len(m.Keyslots) == 0:
		return option("no key slot is in use")
	}
	if err := m.fitSegment(m.Segments[0]); err != nil {
		return wrap("segment 0", err)
	}
	if err := m.Digests[0].fit1(); err != nil {
		return wrap("digest 0", err)
	}
	for _, id := range sortedIDs(m.Keyslots) {
		if id >= slots1 {
			return option("key slot %d: LUKS1 has the slots 0 to %d", id, slots1-1)
		}
		if err := m.fitSlot(m.Keyslots[id]); err != nil {
			return fmt.Errorf("key slot %d: %w", id, err)
		}
	}
	return nil
}

func (m *Metadata) fitSegment(s *Segment) error {
	switch {
	case s.Type != segmentCrypt:
		return option("type %q", clip(s.Type))
	case s.Integrity != nil:
		return option("LUKS1 has no integrity")
	case s.SectorSize != SectorSize:
		return option("sectors of %d bytes: LUKS1 has %d", s.SectorSize, SectorSize)
	case s.IVTweak != 0 || !s.Size.Dynamic || len(s.Flags) > 0:
		return option("LUKS1 has no IV tweak, size or flags")
	case s.Offset/SectorSize > math.MaxUint32:
		return option("offset %d: LUKS1 has at most %d", s.Offset, int64(math.MaxUint32)*SectorSize)
	}
	return nil
}

func (d *Digest) fit1() error {
	a, err := lookupHash(d.Hash)
	switch {
	case err != nil:
		return err
	case d.Type != kdfPBKDF2:
		return option("type %q", clip(d.Type))
	case a.Size < digest1 || len(d.Digest) < digest1:
		return option("hash %s: LUKS1 wants %d bytes at least", clip(d.Hash), digest1)
	case len(d.Salt) != salt1 || d.Iterations < 1 || d.Iterations > math.MaxUint32:
		return option("a salt of %d bytes, %d iterations", len(d.Salt), d.Iterations)
	}
	return nil
}

// fitSlot demands the hash of the digest and the cipher of the data.
func (m *Metadata) fitSlot(k *Keyslot) error {
	if err := k.usable(); err != nil {
		return errors.Join(err, ErrOption)
	}
	hash, s := m.Digests[0].Hash, m.Segments[0]
	switch {
	case k.KDF.Type != kdfPBKDF2:
		return option("LUKS1 has no %s: convert the key to pbkdf2 first", clip(k.KDF.Type))
	case !sameHash(k.KDF.Hash, hash) || !sameHash(k.AF.Hash, hash):
		return option("hashes %s and %s: LUKS1 has one for all, which is %s", clip(k.KDF.Hash), clip(k.AF.Hash), clip(hash))
	case k.Area.Encryption != s.Encryption || k.Area.KeySize != k.KeySize || k.KeySize != m.dataKeySize() || k.KeySize > maxKey1:
		return option("cipher %s with %d bytes: LUKS1 has one for slots and data, which is %s with %d",
			clip(k.Area.Encryption), k.Area.KeySize, clip(s.Encryption), m.dataKeySize())
	case len(k.KDF.Salt) != salt1:
		return option("a salt of %d bytes: LUKS1 has %d", len(k.KDF.Salt), salt1)
	case k.Area.Offset%SectorSize != 0 || k.Area.Offset/SectorSize > math.MaxUint32:
		return option("key material at byte %d", k.Area.Offset)
	}
	return nil
}
