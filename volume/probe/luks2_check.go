package probe

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
)

// checkKeyslots demands that every area lies between the headers and the payload and overlaps no other.
func (m *luks2Metadata) checkKeyslots(headerSize int64) error {
	type area struct{ start, end uint64 }
	var areas []area
	low := 2 * uint64(headerSize)
	for _, id := range sortedIDs(m.keyslots) {
		k := m.keyslots[id]
		if err := k.check(id); err != nil {
			return err
		}
		if k.offset < low || k.size > m.keyslotsSize || k.offset > low+m.keyslotsSize-k.size {
			return fmt.Errorf("keyslot %s: its area (offset %d, size %d) is outside the keyslots area", printable(id), k.offset, k.size)
		}
		areas = append(areas, area{k.offset, k.offset + k.size})
		m.keyslots[id] = k
	}
	sort.Slice(areas, func(i, j int) bool { return areas[i].start < areas[j].start })
	for i := 1; i < len(areas); i++ {
		if areas[i].start < areas[i-1].end {
			return fmt.Errorf("two keyslot areas overlap at byte %d", areas[i].start)
		}
	}
	return nil
}

func (k *luks2Keyslot) check(id string) (err error) {
	if _, err := decimal(id); err != nil {
		return fmt.Errorf("keyslot %q: its name is not a number", printable(id))
	}
	if k.Type == "" || k.KeySize == nil || *k.KeySize < 1 || k.Area == nil || k.Area.Type == "" {
		return fmt.Errorf("keyslot %s: type, key_size or area is missing", id)
	}
	if k.offset, err = decimal(k.Area.Offset); err != nil {
		return fmt.Errorf("keyslot %s: area offset: %w", id, err)
	}
	if k.size, err = decimal(k.Area.Size); err != nil {
		return fmt.Errorf("keyslot %s: area size: %w", id, err)
	}
	switch k.Type {
	case "luks2":
		if k.KDF == nil || k.AF == nil || k.KDF.Type == "" || k.AF.Type == "" || k.Area.Encryption == nil || k.Area.KeySize == nil {
			return fmt.Errorf("keyslot %s: kdf, af or the area's encryption is missing", id)
		}
	case "reencrypt":
		if k.Mode == nil || k.Direction == nil {
			return fmt.Errorf("keyslot %s: mode or direction is missing", id)
		}
	}
	return nil
}

// checkSegments demands segments numbered without a gap, with sane numbers, of which only the last is dynamic.
func (m *luks2Metadata) checkSegments() error {
	if len(m.segments) == 0 {
		return errors.New("there are no segments")
	}
	for i := range len(m.segments) {
		id := strconv.Itoa(i)
		s, ok := m.segments[id]
		if !ok {
			return fmt.Errorf("segment %d of %d is missing", i, len(m.segments))
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("segment %d: %w", i, err)
		}
		m.segments[id] = s
	}
	return nil
}

func (s *luks2Segment) check() (err error) {
	if s.Type == "" {
		return errors.New("type is missing")
	}
	if s.offset, err = decimal(s.Offset); err != nil {
		return fmt.Errorf("offset: %w", err)
	}
	if s.offset%sector != 0 {
		return fmt.Errorf("offset %d is not a multiple of 512", s.offset)
	}
	if s.dynamic = s.Size == "dynamic"; !s.dynamic {
		if s.size, err = decimal(s.Size); err != nil {
			return fmt.Errorf("size: %w", err)
		}
		if s.size == 0 || s.size%sector != 0 || s.offset+s.size < s.offset {
			return fmt.Errorf("size %d is not possible", s.size)
		}
	}
	if s.Type != "crypt" {
		return nil
	}
	if s.Tweak == nil {
		return errors.New("iv_tweak is missing")
	}
	if s.tweak, err = decimal(*s.Tweak); err != nil {
		return fmt.Errorf("iv_tweak: %w", err)
	}
	if s.Encryption == "" {
		return errors.New("encryption is missing")
	}
	if !powerOfTwo(s.SectorSize, sector, 4096) {
		return fmt.Errorf("sector_size %d is not 512, 1024, 2048 or 4096", s.SectorSize)
	}
	if s.size%s.SectorSize != 0 {
		return fmt.Errorf("size %d is not a multiple of the sector size", s.size)
	}
	return nil
}

// checkReferences demands that what digests and tokens name exists.
func (m *luks2Metadata) checkReferences(noun string, objects map[string]luks2Reference) error {
	for _, id := range sortedIDs(objects) {
		o := objects[id]
		if o.Type == "" || o.Keyslots == nil {
			return fmt.Errorf("%s %s: type or keyslots is missing", noun, printable(id))
		}
		for _, k := range o.Keyslots {
			if _, ok := m.keyslots[k]; !ok {
				return fmt.Errorf("%s %s names keyslot %q, which does not exist", noun, printable(id), printable(k))
			}
		}
		for _, s := range o.Segments {
			if _, ok := m.segments[s]; !ok {
				return fmt.Errorf("%s %s names segment %q, which does not exist", noun, printable(id), printable(s))
			}
		}
	}
	return nil
}

// checkDigested demands that every keyslot has a digest to prove its key with.
func (m *luks2Metadata) checkDigested(digests map[string]luks2Reference) error {
	proven := map[string]bool{}
	for _, d := range digests {
		for _, k := range d.Keyslots {
			proven[k] = true
		}
	}
	for _, id := range sortedIDs(m.keyslots) {
		if !proven[id] {
			return fmt.Errorf("keyslot %s belongs to no digest", id)
		}
	}
	return nil
}
