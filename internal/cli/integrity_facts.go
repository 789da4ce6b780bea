package cli

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integritySuperblock is the JSON of a superblock.
type integritySuperblock struct {
	Version         uint8    `json:"superblock_version"`
	Log2Interleave  uint8    `json:"log2_interleave_sectors"` // 0: a meta device
	TagSize         uint16   `json:"tag_size_bytes"`
	JournalSections uint32   `json:"journal_sections"`
	Provided        uint64   `json:"provided_data_sectors"` // of 512 bytes
	Data            uint64   `json:"data_bytes"`
	BlockSize       int      `json:"sector_size_bytes"`
	Recalc          *uint64  `json:"recalc_sector,omitempty"`
	Log2Bitmap      uint8    `json:"log2_blocks_per_bitmap"`
	Flags           []string `json:"flags"`
	Salt            string   `json:"salt,omitempty"` // hex
}

func newIntegritySuperblock(sb *integrity.Superblock) integritySuperblock {
	r := integritySuperblock{
		Version: sb.Version, Log2Interleave: sb.Log2Interleave, TagSize: sb.TagSize, JournalSections: sb.JournalSections,
		Provided: sb.ProvidedSectors, Data: sb.ProvidedSectors * integrity.SectorSize, BlockSize: sb.BlockSize(),
		Log2Bitmap: sb.Log2BitmapBlocks, Flags: append([]string{}, sb.Flags.Names()...),
	}
	if sb.Flags&integrity.FlagRecalculating != 0 {
		r.Recalc = &sb.RecalcSector
	}
	if sb.Flags&integrity.FlagFixHMAC != 0 {
		r.Salt = hex.EncodeToString(sb.Salt[:])
	}
	return r
}

// fact is one line of `integrity layout`, and one key of its JSON.
type fact struct {
	name  string
	value int64
}

// integrityFacts lists all that follows from a layout. Sectors have 512 bytes.
// Offsets of data are those of the data device, others those of the device that
// holds the superblock.
func integrityFacts(sb *integrity.Superblock, l integrity.Layout) []fact {
	data, _ := l.DataOffset(0)
	tags, _ := l.TagOffset(0)
	lastData, _ := l.DataOffset(l.Size() - int64(l.BlockSize))
	lastTag, _ := l.TagOffset(l.Blocks() - 1)
	return []fact{
		{"superblock_version", int64(sb.Version)},
		{"flags", int64(sb.Flags)},
		{"sector_size", int64(l.BlockSize)},
		{"tag_size", int64(l.TagSize)},
		{"provided_data_sectors", l.ProvidedSectors},
		{"provided_data_bytes", l.Size()},
		{"provided_data_blocks", l.Blocks()},
		{"interleave_sectors", l.Interleave},
		{"log2_interleave_sectors", int64(sb.Log2Interleave)},
		{"buffer_sectors", l.BufferSectors},
		{"log2_blocks_per_bitmap", int64(sb.Log2BitmapBlocks)},
		{"journal_sections", int64(l.JournalSections)},
		{"journal_section_sectors", int64(l.SectionSectors)},
		{"journal_section_entries", int64(l.SectionEntries)},
		{"journal_entry_bytes", int64(l.EntrySize)},
		{"journal_entries_per_sector", int64(l.EntriesPerSector)},
		{"journal_sectors", l.JournalSectors()},
		{"initial_sectors", l.InitialSectors},
		{"tag_area_sectors", l.RunSectors},
		{"superblock_offset_bytes", l.Reserved},
		{"journal_offset_bytes", l.JournalOffset()},
		{"journal_bytes", l.JournalSize()},
		{"first_tag_offset_bytes", tags},
		{"last_tag_offset_bytes", lastTag},
		{"first_data_offset_bytes", data},
		{"last_data_offset_bytes", lastData},
	}
}

// printFacts prints one fact a line, or one JSON object.
func printFacts(s ui.Streams, facts []fact, asJSON bool) error {
	if asJSON {
		object := make(map[string]int64, len(facts))
		for _, f := range facts {
			object[f.name] = f.value
		}
		return ui.WriteJSON(s.Out, object)
	}
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%s %d\n", f.name, f.value)
	}
	_, err := fmt.Fprint(s.Out, b.String())
	return err
}
