package probe

import (
	"encoding/binary"
	"fmt"
)

const (
	integritySize  = 512
	integrityMagic = "integrt\x00"
)

// integrityFlags are the names integritysetup prints, by bit.
var integrityFlags = []string{
	"have_journal_mac", "recalculating", "dirty_bitmap", "fix_padding", "fix_hmac", "inline", "discard_keyed",
}

// integrityHeader is the superblock of dm-integrity, little-endian.
type integrityHeader struct {
	version          uint8
	log2Interleave   uint8
	tagSize          uint16
	journalSections  uint32
	provided         uint64 // sectors
	flags            uint32
	log2SectorsBlock uint8
	log2BlocksBit    uint8
	recalculate      uint64 // sector
}

// integritySuperblock recognises a dm-integrity superblock at byte 0.
func integritySuperblock(im *image) *Layer {
	b := im.at(0, integritySize)
	if b == nil || string(b[:8]) != integrityMagic {
		return nil
	}
	h := parseIntegrity(b)
	l := im.layer("integrity", 0)
	l.Problems = h.check(im.size)
	l.add("superblock_version", uint64(h.version))
	l.add("tag_size", uint64(h.tagSize))
	if h.log2SectorsBlock <= 3 {
		l.add("sector_size", uint64(sector)<<h.log2SectorsBlock)
	}
	l.add("provided_data_sectors", h.provided)
	l.add("journal_sections", uint64(h.journalSections))
	l.add("log2_interleave_sectors", uint64(h.log2Interleave))
	l.add("log2_blocks_per_bitmap_bit", uint64(h.log2BlocksBit))
	if h.flags&2 != 0 {
		l.add("recalculate_sector", h.recalculate)
	}
	l.add("flags", h.flagNames())
	if len(l.Problems) == 0 {
		h.openWith(im, l)
	}
	return l
}

// parseIntegrity decodes a superblock whose magic was seen.
func parseIntegrity(b []byte) integrityHeader {
	return integrityHeader{
		version:          b[8],
		log2Interleave:   b[9],
		tagSize:          binary.LittleEndian.Uint16(b[10:]),
		journalSections:  binary.LittleEndian.Uint32(b[12:]),
		provided:         binary.LittleEndian.Uint64(b[16:]),
		flags:            binary.LittleEndian.Uint32(b[24:]),
		log2SectorsBlock: b[28],
		log2BlocksBit:    b[29],
		recalculate:      binary.LittleEndian.Uint64(b[32:]),
	}
}

func (h *integrityHeader) check(size int64) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if h.version < 1 || h.version > 7 {
		say("superblock version %d is not known (1 to 7 are)", h.version)
	}
	if h.log2SectorsBlock > 3 {
		say("a block of 2^%d sectors is not possible (at most 8)", h.log2SectorsBlock)
	}
	if h.log2Interleave != 0 && (h.log2Interleave < 3 || h.log2Interleave > 31) {
		say("an interleave of 2^%d sectors is not possible (3 to 31)", h.log2Interleave)
	}
	if h.journalSections == 0 && h.flags&32 == 0 {
		say("there is no journal section")
	}
	if h.log2Interleave != 0 && h.provided > uint64(size)/sector {
		say("it provides %d sectors of data, but the image has only %d: the image is cut off", h.provided, size/sector)
	}
	return problems
}

func (h *integrityHeader) flagNames() []string {
	names := []string{}
	for i, name := range integrityFlags {
		if h.flags&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if rest := h.flags >> len(integrityFlags); rest != 0 {
		names = append(names, fmt.Sprintf("0x%x", rest<<len(integrityFlags)))
	}
	return names
}

// openWith writes the table line. The hash is not in the superblock: the caller has to know it. A superblock
// with no interleave belongs to a metadata device, whose data is elsewhere.
func (h *integrityHeader) openWith(im *image, l *Layer) {
	start, ok := im.sectors(0)
	if !ok || h.flags&32 != 0 {
		return
	}
	device, options := "IMAGE", h.options()
	if h.log2Interleave == 0 {
		device, start = "DATA", 0
		options = append([]string{"meta_device:IMAGE"}, options...)
	}
	l.openWith("%s", h.tableLine(device, start, append(options, "internal_hash:HASH")))
}

// options are the option words that the superblock asks for.
func (h *integrityHeader) options() []string {
	var words []string
	if h.log2SectorsBlock != 0 {
		words = append(words, fmt.Sprintf("block_size:%d", sector<<h.log2SectorsBlock))
	}
	if h.flags&8 != 0 {
		words = append(words, "fix_padding")
	}
	if h.flags&16 != 0 {
		words = append(words, "fix_hmac")
	}
	return words
}

func (h *integrityHeader) tableLine(device string, start int64, options []string) string {
	line := fmt.Sprintf("0 %d integrity %s %d %d J %d", h.provided, device, start, h.tagSize, len(options))
	for _, o := range options {
		line += " " + o
	}
	return line
}
