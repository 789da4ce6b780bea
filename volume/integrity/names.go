package integrity

import (
	"fmt"
	"strings"
)

// HashName returns the kernel's name for what integritysetup calls a hash:
// "hmac-sha256" is hmac(sha256), all others are called the same.
func HashName(name string) string {
	if inner, ok := strings.CutPrefix(name, "hmac-"); ok {
		return "hmac(" + inner + ")"
	}
	return name
}

// CipherName returns the kernel's name for what integritysetup calls a cipher of
// the journal: "cbc-aes" is cbc(aes).
func CipherName(name string) string {
	if mode, cipher, ok := strings.Cut(name, "-"); ok && !strings.Contains(name, "(") {
		return mode + "(" + cipher + ")"
	}
	return name
}

// Text is what `integritysetup dump` prints below its title: a line for each fact.
func (sb *Superblock) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "superblock_version %d\n", sb.Version)
	fmt.Fprintf(&b, "log2_interleave_sectors %d\n", sb.Log2Interleave)
	fmt.Fprintf(&b, "integrity_tag_size %d\n", sb.TagSize)
	fmt.Fprintf(&b, "journal_sections %d\n", sb.JournalSections)
	fmt.Fprintf(&b, "provided_data_sectors %d\n", sb.ProvidedSectors)
	fmt.Fprintf(&b, "sector_size %d\n", sb.BlockSize())
	if sb.Flags&FlagRecalculating != 0 {
		fmt.Fprintf(&b, "recalc_sector %d\n", sb.RecalcSector)
	}
	fmt.Fprintf(&b, "log2_blocks_per_bitmap %d\n", sb.Log2BitmapBlocks)
	b.WriteString("flags ")
	for i, name := range flagNames {
		if sb.Flags>>i&1 != 0 {
			b.WriteString(name + " ")
		}
	}
	b.WriteByte('\n')
	return b.String()
}
