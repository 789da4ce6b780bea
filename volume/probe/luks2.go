package probe

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/volume/integrity"
)

// luks2 describes the header of version 2 that is used of the two copies.
func luks2(im *image, h *luks.Header) *Layer {
	v, m := h.V2, h.V2.Metadata
	l := im.layer("luks2", 0)
	l.UUID, l.Label = printable(v.UUID), printable(v.Label)
	for _, p := range h.Problems {
		l.luksProblem(p)
	}
	l.add("sequence", v.SequenceID)
	if v.Subsystem != "" {
		l.add("subsystem", printable(v.Subsystem))
	}
	l.add("header_bytes", v.Size)
	l.add("keyslots_area_bytes", uint64(m.Config.KeyslotsSize))
	l.addSegment(m.Segments[0])
	l.add("segments", uint64(len(m.Segments)))
	l.add("keyslots", luks2Keyslots(m))
	var tokens []string
	for _, id := range sortedIDs(m.Tokens) {
		tokens = append(tokens, fmt.Sprintf("%d: %s", id, printable(m.Tokens[id].Type)))
	}
	l.addWords("tokens", tokens)
	l.addWords("flags", m.Config.Flags)
	if m.Config.Requirements != nil {
		l.addWords("requirements", m.Config.Requirements.Mandatory)
	}
	if len(m.Keyslots) == 0 {
		l.problem("no key slot is in use: the header alone cannot be unlocked any more")
	}
	luks2OpenWith(im, l, m)
	return l
}

// addSegment adds the facts of the first segment.
func (l *Layer) addSegment(s *luks.Segment) {
	l.add("segment_type", printable(s.Type))
	l.add("payload_offset_bytes", uint64(s.Offset))
	if s.Size.Dynamic {
		l.add("payload_size", "up to the end of the device")
	} else {
		l.add("payload_size_bytes", s.Size.Bytes)
	}
	if s.Encryption != "" {
		l.add("cipher", printable(s.Encryption))
		l.add("sector_size", uint64(s.SectorSize))
	}
	if s.Integrity != nil {
		l.add("integrity", printable(s.Integrity.Type))
	}
}

// addWords adds a list from an image, if it is not empty.
func (l *Layer) addWords(name string, words []string) {
	var clean []string
	for _, w := range words {
		clean = append(clean, printable(w))
	}
	if len(clean) > 0 {
		l.add(name, clean)
	}
}

func luks2Keyslots(m *luks.Metadata) []string {
	out := []string{}
	for _, id := range sortedIDs(m.Keyslots) {
		k := m.Keyslots[id]
		s := fmt.Sprintf("%d: %s", id, printable(k.Type))
		if k.KDF != nil && k.KDF.Type == "pbkdf2" {
			s += fmt.Sprintf(", pbkdf2-%s, %d iterations", printable(k.KDF.Hash), k.KDF.Iterations)
		} else if k.KDF != nil {
			s += fmt.Sprintf(", %s, time %d, memory %d KiB, %d threads", printable(k.KDF.Type), k.KDF.Time, k.KDF.Memory, k.KDF.CPUs)
		}
		if k.Type != "reencrypt" {
			s += fmt.Sprintf(", key of %d bits", k.KeySize*8)
		}
		out = append(out, s)
	}
	return out
}

// luks2OpenWith writes the table line of the data segment. A header whose data lies elsewhere (detached) or that
// needs what dmimg does not know gets none.
func luks2OpenWith(im *image, l *Layer, m *luks.Metadata) {
	s := m.Segments[0]
	if s.Type != "crypt" || (m.Config.Requirements != nil && len(m.Config.Requirements.Mandatory) > 0) {
		return
	}
	if uint64(s.Offset) >= uint64(im.size) {
		l.problem("%s", noPayload(uint64(s.Offset), im.size))
		return
	}
	rest := uint64(im.size) - uint64(s.Offset)
	n := rest
	if !s.Size.Dynamic {
		n = s.Size.Bytes
		if n > rest {
			l.problem("the payload should be %d bytes long, but only %d are here: the image is cut off", n, rest)
		}
	}
	start, ok := im.sectors(int64(s.Offset))
	if !ok {
		return
	}
	if s.Integrity != nil {
		luks2OpenWithTags(im, l, s, start)
		return
	}
	line := fmt.Sprintf("0 %d crypt %s KEY %d IMAGE %d", n/sector, word(s.Encryption), s.IVTweak, start)
	if s.SectorSize != sector {
		line += fmt.Sprintf(" 1 sector_size:%d", s.SectorSize)
	}
	l.openWith("%s", line)
}

// luks2OpenWithTags writes the two lines of an authenticated segment: its data is behind a dm-integrity
// device that stands at the segment's offset and whose superblock tells sizes.
func luks2OpenWithTags(im *image, l *Layer, s *luks.Segment, start int64) {
	sb, err := integrity.ReadSuperblock(im, int64(s.Offset))
	if errors.Is(err, integrity.ErrNotIntegrity) {
		l.problem("the payload at byte %d should start with a dm-integrity superblock, and does not", s.Offset)
		return
	}
	if err != nil {
		l.problem("the payload at byte %d: %v", s.Offset, err)
		return
	}
	if cut := integrityCutOff(sb, im.size-int64(s.Offset)); cut != "" {
		l.problem("%s", cut)
		return
	}
	l.add("tag_size", uint64(sb.TagSize))
	l.add("provided_data_sectors", sb.ProvidedSectors)
	l.openWith("tags: %s", integrityLine(sb, "IMAGE", start, integrityOptions(sb)))
	cipher, kind := luks.AuthenticatedSpec(s.Encryption, s.Integrity.Type)
	options := fmt.Sprintf("1 integrity:%d:%s", sb.TagSize, kind)
	if s.SectorSize != sector {
		options = fmt.Sprintf("2 integrity:%d:%s sector_size:%d", sb.TagSize, kind, s.SectorSize)
	}
	l.openWith("plain: 0 %d crypt %s KEY %d /dev/mapper/tags 0 %s", sb.ProvidedSectors, word(cipher), s.IVTweak, options)
}
