package probe

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/dmimg/dmimg/crypt/luks"
)

// luks2Header is one copy of the LUKS2 binary header with its JSON area (LUKS2 on-disk format, section 2.1).
type luks2Header struct {
	offset           int64 // in the image
	size             int64 // binary header and JSON area
	seqID            uint64
	uuid             string
	label, subsystem string
	sum              string // name of the checksum algorithm
	meta             *luks2Metadata
}

const (
	luks2Binary   = 4096
	luks2MinSize  = 16 << 10
	luks2MaxSize  = 4 << 20
	luks2SumField = 448 // 64 bytes that count as zero in the checksum
)

// luks2 recognises a LUKS2 header by either of its two copies.
func luks2(im *image) *Layer {
	first, second, err1, err2 := readLUKS2(im)
	if first == nil && second == nil {
		if !luks2Magic(im, 0, luksMagic) {
			return nil // a lone damaged second copy is no evidence
		}
		l := im.layer("luks2", 0)
		l.problem("neither copy of the header is valid: first: %v; second: %v", err1, err2)
		return l
	}
	h := first
	if h == nil || (second != nil && second.seqID > h.seqID) {
		h = second
	}
	l := im.layer("luks2", 0)
	l.UUID, l.Label = h.uuid, h.label
	if first == nil {
		l.problem("the first copy of the header is damaged (%v); the second, at byte %d, is used", err1, im.base+second.offset)
	}
	if second == nil {
		l.problem("the second copy of the header is damaged (%v); the first is used", err2)
	}
	if first != nil && second != nil && first.seqID != second.seqID {
		l.problem("the copies of the header differ in age (sequence %d and %d); the newer is used", first.seqID, second.seqID)
	}
	h.describe(im, l)
	return l
}

func luks2Magic(im *image, off int64, magic string) bool {
	b := im.at(off, luks2Binary)
	return b != nil && string(b[:6]) == magic && binary.BigEndian.Uint16(b[6:]) == 2
}

// readLUKS2 reads both copies. When the first one is unusable, the second is looked for at every place that a
// header size allows.
func readLUKS2(im *image) (first, second *luks2Header, err1, err2 error) {
	first, err1 = parseLUKS2(im, 0, luksMagic)
	if first != nil {
		second, err2 = parseLUKS2(im, first.size, luksSecond)
		return first, second, err1, err2
	}
	for off := int64(luks2MinSize); off <= luks2MaxSize; off *= 2 {
		if !luks2Magic(im, off, luksSecond) {
			continue
		}
		if second, err2 = parseLUKS2(im, off, luksSecond); second != nil {
			return nil, second, err1, nil
		}
	}
	if err2 == nil {
		err2 = fmt.Errorf("none of the nine places holds one")
	}
	return nil, nil, err1, err2
}

// parseLUKS2 reads and checks the copy at byte off.
func parseLUKS2(im *image, off int64, magic string) (*luks2Header, error) {
	b := im.at(off, luks2Binary)
	if b == nil {
		return nil, fmt.Errorf("it lies past the end of the image")
	}
	if string(b[:6]) != magic || binary.BigEndian.Uint16(b[6:]) != 2 {
		return nil, fmt.Errorf("magic or version is wrong")
	}
	size := binary.BigEndian.Uint64(b[8:])
	if !powerOfTwo(size, luks2MinSize, luks2MaxSize) {
		return nil, fmt.Errorf("the header size %d is none of the nine that exist", size)
	}
	if own := binary.BigEndian.Uint64(b[256:]); own != uint64(off) {
		return nil, fmt.Errorf("it says it stands at byte %d, but is at %d", own, off)
	}
	if off != 0 && uint64(off) != size {
		return nil, fmt.Errorf("its header size %d does not fit its place", size)
	}
	whole := im.at(off, int(size))
	if whole == nil {
		return nil, fmt.Errorf("its %d bytes go past the end of the image", size)
	}
	h := &luks2Header{
		offset:    off,
		size:      int64(size),
		seqID:     binary.BigEndian.Uint64(b[16:]),
		label:     text(b[24:72]),
		sum:       text(b[72:104]),
		uuid:      text(b[168:208]),
		subsystem: text(b[208:256]),
	}
	if err := h.checksum(whole); err != nil {
		return nil, err
	}
	var err error
	h.meta, err = parseLUKS2Metadata(whole[luks2Binary:], h.size)
	if err != nil {
		return nil, fmt.Errorf("its JSON area: %w", err)
	}
	return h, nil
}

// luks2Sums are the checksum algorithms a header may name; cryptsetup writes sha256.
var luks2Sums = map[string]func() hash.Hash{
	"sha1":   sha1.New,
	"sha224": sha256.New224,
	"sha256": sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

func (h *luks2Header) checksum(whole []byte) error {
	newHash, ok := luks2Sums[h.sum]
	if !ok {
		return fmt.Errorf("its checksum algorithm %q is not known", h.sum)
	}
	d := newHash()
	d.Write(whole[:luks2SumField])
	d.Write(make([]byte, 64))
	d.Write(whole[luks2SumField+64:])
	if want := whole[luks2SumField : luks2SumField+d.Size()]; !bytes.Equal(d.Sum(nil), want) {
		return fmt.Errorf("its %s checksum does not match", h.sum)
	}
	return nil
}

func (h *luks2Header) describe(im *image, l *Layer) {
	l.add("sequence", h.seqID)
	if h.subsystem != "" {
		l.add("subsystem", h.subsystem)
	}
	l.add("header_bytes", uint64(h.size))
	l.add("keyslots_area_bytes", h.meta.keyslotsSize)
	if s := h.meta.mainSegment(); s != nil {
		l.add("segment_type", s.Type)
		l.add("payload_offset_bytes", s.offset)
		if s.dynamic {
			l.add("payload_size", "up to the end of the device")
		} else {
			l.add("payload_size_bytes", s.size)
		}
		if s.Encryption != "" {
			l.add("cipher", printable(s.Encryption))
			l.add("sector_size", s.SectorSize)
		}
		if s.Integrity != nil {
			l.add("integrity", printable(s.Integrity.Type))
		}
	}
	l.add("segments", uint64(len(h.meta.segments)))
	l.add("keyslots", h.meta.describeKeyslots())
	if len(h.meta.tokens) > 0 {
		l.add("tokens", h.meta.tokens)
	}
	if len(h.meta.flags) > 0 {
		l.add("flags", h.meta.flags)
	}
	if len(h.meta.requirements) > 0 {
		l.add("requirements", h.meta.requirements)
	}
	if len(h.meta.keyslots) == 0 {
		l.problem("no key slot is in use: the header alone cannot be unlocked any more")
	}
	h.openWith(im, l)
}

// openWith writes the table line of the data segment. A header whose data lies elsewhere (detached) or that
// needs what dmimg does not know gets none.
func (h *luks2Header) openWith(im *image, l *Layer) {
	s := h.meta.mainSegment()
	if s == nil || s.Type != "crypt" || len(h.meta.requirements) > 0 {
		return
	}
	if s.offset >= uint64(im.size) {
		l.problem("%s", noPayload(s.offset, im.size))
		return
	}
	rest := uint64(im.size) - s.offset
	n := rest
	if !s.dynamic {
		n = s.size
		if n > rest {
			l.problem("the payload should be %d bytes long, but only %d are here: the image is cut off", n, rest)
		}
	}
	start, ok := im.sectors(int64(s.offset))
	if !ok {
		return
	}
	if s.Integrity != nil {
		h.openWithIntegrity(im, l, s, start)
		return
	}
	line := fmt.Sprintf("0 %d crypt %s KEY %d IMAGE %d", n/sector, word(s.Encryption), s.tweak, start)
	if s.SectorSize != sector {
		line += fmt.Sprintf(" 1 sector_size:%d", s.SectorSize)
	}
	l.openWith("%s", line)
}

// openWithIntegrity writes the two lines of an authenticated segment: its data is behind a dm-integrity
// device that stands at the segment's offset and whose superblock tells sizes.
func (h *luks2Header) openWithIntegrity(im *image, l *Layer, s *luks2Segment, start int64) {
	b := im.at(int64(s.offset), integritySize)
	if b == nil || string(b[:8]) != integrityMagic {
		l.problem("the payload at byte %d should start with a dm-integrity superblock, and does not", s.offset)
		return
	}
	ih := parseIntegrity(b)
	if problems := ih.check(im.size - int64(s.offset)); len(problems) > 0 {
		l.Problems = append(l.Problems, problems...)
		return
	}
	l.add("tag_size", uint64(ih.tagSize))
	l.add("provided_data_sectors", ih.provided)
	l.openWith("tags: %s", ih.tableLine("IMAGE", start, ih.options()))
	cipher, kind := luks.AuthenticatedSpec(s.Encryption, s.Integrity.Type)
	options := fmt.Sprintf("1 integrity:%d:%s", ih.tagSize, kind)
	if s.SectorSize != sector {
		options = fmt.Sprintf("2 integrity:%d:%s sector_size:%d", ih.tagSize, kind, s.SectorSize)
	}
	l.openWith("plain: 0 %d crypt %s KEY %d /dev/mapper/tags 0 %s", ih.provided, word(cipher), s.tweak, options)
}
