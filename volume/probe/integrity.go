package probe

import (
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/volume/integrity"
)

// integritySuperblock recognises a dm-integrity superblock at byte 0.
func integritySuperblock(im *image) *Layer {
	var sb integrity.Superblock
	err := sb.UnmarshalBinary(im.at(0, integrity.SuperblockSize))
	if errors.Is(err, integrity.ErrNotIntegrity) {
		return nil
	}
	l := im.layer("integrity", 0)
	if err != nil {
		l.problem("%v", err)
	} else if cut := integrityCutOff(&sb, im.size); cut != "" {
		l.problem("%s", cut)
	}
	l.add("superblock_version", uint64(sb.Version))
	l.add("tag_size", uint64(sb.TagSize))
	if sb.Log2BlockSectors <= 3 {
		l.add("sector_size", uint64(sb.BlockSize()))
	}
	l.add("provided_data_sectors", sb.ProvidedSectors)
	l.add("journal_sections", uint64(sb.JournalSections))
	l.add("log2_interleave_sectors", uint64(sb.Log2Interleave))
	l.add("log2_blocks_per_bitmap_bit", uint64(sb.Log2BitmapBlocks))
	if sb.Flags&integrity.FlagRecalculating != 0 {
		l.add("recalculate_sector", sb.RecalcSector)
	}
	l.add("flags", append([]string{}, sb.Flags.Names()...))
	if len(l.Problems) == 0 {
		integrityOpenWith(im, l, &sb)
	}
	return l
}

// integrityCutOff says that the data cannot be in size bytes; "" if it can.
func integrityCutOff(sb *integrity.Superblock, size int64) string {
	if sb.MetaDevice() || sb.ProvidedSectors <= uint64(size)/sector {
		return ""
	}
	return fmt.Sprintf("it provides %d sectors of data, but the image has only %d: the image is cut off", sb.ProvidedSectors, size/sector)
}

// integrityOpenWith writes the table line. The hash is not in the superblock: the caller has to know it. A superblock
// with no interleave belongs to a metadata device, whose data is elsewhere.
func integrityOpenWith(im *image, l *Layer, sb *integrity.Superblock) {
	start, ok := im.sectors(0)
	if !ok || sb.Flags&integrity.FlagInline != 0 {
		return
	}
	device, options := "IMAGE", integrityOptions(sb)
	if sb.MetaDevice() {
		device, start = "DATA", 0
		options = append([]string{"meta_device:IMAGE"}, options...)
	}
	l.openWith("%s", integrityLine(sb, device, start, append(options, "internal_hash:HASH")))
}

// integrityOptions are the option words that the superblock asks for.
func integrityOptions(sb *integrity.Superblock) []string {
	var words []string
	if sb.BlockSize() != sector {
		words = append(words, fmt.Sprintf("block_size:%d", sb.BlockSize()))
	}
	if sb.Flags&integrity.FlagFixPadding != 0 {
		words = append(words, "fix_padding")
	}
	if sb.Flags&integrity.FlagFixHMAC != 0 {
		words = append(words, "fix_hmac")
	}
	return words
}

func integrityLine(sb *integrity.Superblock, device string, start int64, options []string) string {
	line := fmt.Sprintf("0 %d integrity %s %d %d J %d", sb.ProvidedSectors, device, start, sb.TagSize, len(options))
	for _, o := range options {
		line += " " + o
	}
	return line
}
