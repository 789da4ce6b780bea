package luks

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Types and words of the JSON area.
const (
	keyslotLUKS2  = "luks2"
	keyslotRecode = "reencrypt"
	segmentCrypt  = "crypt"
	segmentLinear = "linear"
	kdfPBKDF2     = "pbkdf2"
	kdfArgon2i    = "argon2i"
	kdfArgon2id   = "argon2id"
	afLUKS1       = "luks1"
	areaRaw       = "raw"

	backupFlag    = "backup-" // begins the flags of segments that only re-encryption uses
	recodingFlag  = "in-reencryption"
	maxKeyslots   = 128 << 20 // bytes of the keyslots area
	areaAlignment = 4096
)

// check refuses what cryptsetup refuses when it loads a header.
func (m *Metadata) check(headerSize uint64) error {
	if err := wrap("config", m.Config.check(headerSize)); err != nil {
		return err
	}
	if err := m.checkKeyslots(headerSize); err != nil {
		return wrap("keyslots", err)
	}
	if err := m.checkSegments(headerSize); err != nil {
		return wrap("segments", err)
	}
	if err := m.checkRecoding(); err != nil {
		return err
	}
	proven, covered := make(map[int]bool), make(map[int]bool)
	for _, id := range sortedIDs(m.Digests) {
		d := m.Digests[id]
		if err := m.checkReferences(d.Keyslots, d.Segments); err != nil {
			return fmt.Errorf("digests: %d: %w", id, err)
		}
		for _, k := range d.Keyslots {
			if proven[k] {
				return fmt.Errorf("digests: %d: key slot %d belongs to another already", id, k)
			}
			proven[k] = true
		}
		for _, s := range d.Segments {
			covered[s] = true
		}
	}
	for _, id := range sortedIDs(m.Segments) {
		if m.Segments[id].Type == segmentCrypt && !covered[id] {
			return fmt.Errorf("segments: %d: no digest belongs to it", id)
		}
	}
	for _, id := range sortedIDs(m.Keyslots) {
		if !proven[id] {
			return fmt.Errorf("keyslots: %d: no digest belongs to it", id)
		}
	}
	for _, id := range sortedIDs(m.Tokens) {
		if err := m.checkReferences(m.Tokens[id].Keyslots, nil); err != nil {
			return fmt.Errorf("tokens: %d: %w", id, err)
		}
	}
	return nil
}

func (c *Config) check(headerSize uint64) error {
	switch {
	case uint64(c.JSONSize) != headerSize-binarySize2:
		return fmt.Errorf("json_size %d does not fit the header of %d bytes", c.JSONSize, headerSize)
	case c.KeyslotsSize > maxKeyslots || c.KeyslotsSize%areaAlignment != 0:
		return fmt.Errorf("keyslots_size %d: want a multiple of %d, at most %d", c.KeyslotsSize, areaAlignment, maxKeyslots)
	}
	return nil
}

// checkKeyslots demands that every area lies in the keyslots area and overlaps no other.
func (m *Metadata) checkKeyslots(headerSize uint64) error {
	start := 2 * headerSize
	end := start + uint64(m.Config.KeyslotsSize)
	var areas []area
	for _, id := range sortedIDs(m.Keyslots) {
		k := m.Keyslots[id]
		if err := k.check(); err != nil {
			return fmt.Errorf("%d: %w", id, err)
		}
		from, size := uint64(k.Area.Offset), uint64(k.Area.Size)
		if from < start || size > end-start || from > end-size {
			return fmt.Errorf("%d: its area of %d bytes at %d is not inside the keyslots area, bytes %d to %d", id, size, from, start, end)
		}
		areas = append(areas, area{int64(from), int64(size)})
	}
	return disjoint(areas)
}

func (k *Keyslot) check() error {
	switch {
	case k.KeySize < 0 || k.KeySize > math.MaxInt32:
		return fmt.Errorf("key_size %d", k.KeySize)
	case k.Type == keyslotRecode:
		return k.checkRecodingSlot()
	case k.Type != keyslotLUKS2:
		return nil // of a kind that is not known yet
	case k.AF == nil || k.KDF == nil:
		return errors.New("af or kdf is missing")
	case k.Area.Type != areaRaw:
		return fmt.Errorf("area: type %q", clip(k.Area.Type))
	case k.Area.Encryption == "" || k.Area.KeySize < 0:
		return fmt.Errorf("area: encryption is missing, or key_size %d", k.Area.KeySize)
	case k.Area.Size == 0 || len(k.KDF.Salt) == 0:
		return errors.New("its area or its salt is empty")
	case k.AF.Type != afLUKS1 || k.AF.Hash == "":
		return fmt.Errorf("af: type %q: want %s", clip(k.AF.Type), afLUKS1)
	}
	return wrap("kdf", k.KDF.check())
}

// checkRecoding demands that a re-encryption has its slot and remembers where it came
// from and goes to, and that there is no such slot without one.
func (m *Metadata) checkRecoding() error {
	slots := 0
	for _, k := range m.Keyslots {
		if k.Type == keyslotRecode {
			slots++
		}
	}
	required := m.Config.Requirements != nil && slices.ContainsFunc(m.Config.Requirements.Mandatory, func(r string) bool {
		return strings.HasPrefix(r, "online-reencrypt")
	})
	if slots > 1 || required != (slots == 1) {
		return fmt.Errorf("%d key slots of a re-encryption, which is required: %t", slots, required)
	}
	for _, flag := range []string{"backup-previous", "backup-final"} {
		found := false
		for _, s := range m.Segments {
			found = found || slices.Contains(s.Flags, flag)
		}
		if required && !found {
			return fmt.Errorf("segments: none has the flag %s, which a re-encryption needs", flag)
		}
	}
	return nil
}

// checkRecodingSlot checks the slot of a re-encryption, which is not used here.
func (k *Keyslot) checkRecodingSlot() error {
	word := func(m Members, name string) (s string) {
		_ = json.Unmarshal(m[name], &s) // what is no string is no good word either
		return s
	}
	mode, direction := word(k.Extra, "mode"), word(k.Extra, "direction")
	switch {
	case k.KeySize != 1:
		return fmt.Errorf("key_size %d of a re-encryption: want 1", k.KeySize)
	case mode != "reencrypt" && mode != "encrypt" && mode != "decrypt":
		return fmt.Errorf("mode %q", clip(mode))
	case direction != "forward" && direction != "backward":
		return fmt.Errorf("direction %q", clip(direction))
	case k.Area.Type == "checksum" && (word(k.Area.Extra, "hash") == "" || len(k.Area.Extra["sector_size"]) == 0):
		return errors.New("area: hash or sector_size is missing")
	}
	return nil
}

func (k *KDF) check() error {
	switch k.Type {
	case kdfPBKDF2:
		if k.Hash == "" || k.Iterations < 1 || k.Iterations > math.MaxUint32 {
			return fmt.Errorf("pbkdf2 without a hash, or with %d iterations: want 1 to 2^32-1", k.Iterations)
		}
	case kdfArgon2i, kdfArgon2id:
		if k.Time < 1 || k.Time > math.MaxUint32 || k.Memory < 1 || k.Memory > math.MaxUint32 || k.CPUs < 1 || k.CPUs > math.MaxUint32 {
			return fmt.Errorf("%s with time %d, memory %d, cpus %d: want 1 to 2^32-1", k.Type, k.Time, k.Memory, k.CPUs)
		}
	}
	return nil // others are not known yet, or, as "argon2", not any more
}

// checkSegments demands segments numbered without a gap, with sane numbers; behind a
// dynamic one none can follow but those that are kept for re-encryption.
func (m *Metadata) checkSegments(headerSize uint64) error {
	if len(m.Segments) == 0 {
		return errors.New("there are none")
	}
	ids := sortedIDs(m.Segments)
	var end uint64
	var backup, dynamic bool
	for i, id := range ids {
		s := m.Segments[id]
		if err := s.check(); err != nil {
			return fmt.Errorf("%d: %w", id, err)
		}
		if id != i {
			return fmt.Errorf("number %d is missing", i)
		}
		if s.IsBackup() {
			backup = true
			continue
		}
		switch {
		case backup:
			return fmt.Errorf("%d: it follows a backup segment", id)
		case dynamic:
			return fmt.Errorf("%d: the segment before it has no end", id)
		case uint64(s.Offset) < end:
			return fmt.Errorf("%d: it overlaps the one before", id)
		}
		end, dynamic = min(uint64(s.Offset), math.MaxUint64-s.Size.Bytes)+s.Size.Bytes, s.Size.Dynamic
	}
	first := m.Segments[ids[0]]
	if first.IsBackup() {
		return errors.New("there are only backup segments")
	}
	if header := 2*headerSize + uint64(m.Config.KeyslotsSize); first.Offset > 0 && uint64(first.Offset) < header {
		return fmt.Errorf("the first at byte %d overlaps the header of %d bytes", first.Offset, header)
	}
	return nil
}

// IsBackup reports whether the segment only remembers a state for re-encryption.
func (s *Segment) IsBackup() bool {
	return slices.ContainsFunc(s.Flags, func(f string) bool { return strings.HasPrefix(f, backupFlag) })
}

func (s *Segment) check() error {
	size := s.Size.Bytes
	switch {
	case s.Offset%SectorSize != 0:
		return fmt.Errorf("offset %d is not a multiple of %d", s.Offset, SectorSize)
	case uint64(s.Offset) > math.MaxInt64:
		return fmt.Errorf("offset %d is beyond any device", s.Offset)
	case !s.Size.Dynamic && (size == 0 || size%SectorSize != 0):
		return fmt.Errorf("size %d is not possible", size)
	case s.Type != segmentCrypt:
		return nil
	case s.Encryption == "":
		return errors.New("encryption is empty")
	case s.SectorSize < SectorSize || s.SectorSize&(s.SectorSize-1) != 0:
		return fmt.Errorf("sector_size %d: want a power of two from %d on", s.SectorSize, SectorSize)
	case size%uint64(s.SectorSize) != 0:
		return fmt.Errorf("size %d is not a multiple of its sector size", size)
	}
	return nil
}

// checkReferences demands that what a digest or token names exists.
func (m *Metadata) checkReferences(keyslots, segments IDs) error {
	for _, id := range keyslots {
		if m.Keyslots[id] == nil {
			return fmt.Errorf("it names key slot %d, which does not exist", id)
		}
	}
	for _, id := range segments {
		if m.Segments[id] == nil {
			return fmt.Errorf("it names segment %d, which does not exist", id)
		}
	}
	return nil
}
