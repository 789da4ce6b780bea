package probe

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sort"
)

const (
	gptMagic      = "EFI PART"
	gptMinHeader  = 92
	gptMinEntry   = 128
	gptMaxEntries = 4 << 20 // bytes of the entry array; the usual array has 16 KiB
)

// gptHeader is one copy of the header (UEFI 2.10 section 5.3.2), little-endian, with its entries.
type gptHeader struct {
	lba, other          uint64 // own place, the other copy's
	first, last         uint64 // usable blocks
	disk                string
	entries             uint64 // first block of the array
	num, size, arraySum uint32
	array               []byte
}

// gpt recognises a GUID partition table with 512- or 4096-byte blocks, by either of its two headers.
func gpt(im *image) *Layer {
	for _, block := range []int64{512, 4096} {
		if l := gptOf(im, block); l != nil {
			return l
		}
	}
	return nil
}

func gptOf(im *image, block int64) *Layer {
	blocks := im.size / block
	if blocks < 6 {
		return nil
	}
	primary, err1 := readGPT(im, 1, block)
	place := uint64(blocks - 1)
	if primary != nil && primary.other < uint64(blocks) && primary.other > 1 {
		place = primary.other
	}
	backup, err2 := readGPT(im, place, block)
	damaged := im.has(block, gptMagic)
	if primary == nil && backup == nil && !damaged {
		return nil
	}
	l := im.layer("gpt", 0)
	l.add("block_size", uint64(block))
	h := primary
	switch {
	case primary == nil && backup == nil:
		l.problem("both headers are damaged: primary: %v; backup: %v", err1, err2)
		return l
	case primary == nil:
		h = backup
		l.problem("the primary header is damaged (%v): the backup at the end is used", err1)
	case primary.other >= uint64(blocks):
		l.problem("the backup header should be in block %d, but the image has only %d blocks: the image is cut off", primary.other, blocks)
	case backup == nil:
		l.problem("the backup header is damaged (%v)", err2)
	case backup.disk != primary.disk || backup.arraySum != primary.arraySum:
		l.problem("the two headers describe different tables; the primary one is used")
	}
	if primary != nil && primary.other < uint64(blocks-1) {
		l.problem("the backup header is in block %d, not in the last block %d: the disk was made larger", primary.other, blocks-1)
	}
	h.protectiveMBR(im, l)
	h.describe(im, l, block)
	return l
}

// readGPT reads and checks the header in block lba, and its entries.
func readGPT(im *image, lba uint64, block int64) (*gptHeader, error) {
	b := im.at(int64(lba)*block, int(block))
	if b == nil || string(b[:8]) != gptMagic {
		return nil, fmt.Errorf("block %d has no signature", lba)
	}
	length := binary.LittleEndian.Uint32(b[12:])
	if length < gptMinHeader || int64(length) > block {
		return nil, fmt.Errorf("a header of %d bytes is not possible", length)
	}
	sum := crc32.ChecksumIEEE(b[:16])
	sum = crc32.Update(sum, crc32.IEEETable, make([]byte, 4))
	sum = crc32.Update(sum, crc32.IEEETable, b[20:length])
	if sum != binary.LittleEndian.Uint32(b[16:]) {
		return nil, fmt.Errorf("its checksum does not match")
	}
	h := &gptHeader{
		lba:      binary.LittleEndian.Uint64(b[24:]),
		other:    binary.LittleEndian.Uint64(b[32:]),
		first:    binary.LittleEndian.Uint64(b[40:]),
		last:     binary.LittleEndian.Uint64(b[48:]),
		disk:     guid(b[56:72]),
		entries:  binary.LittleEndian.Uint64(b[72:]),
		num:      binary.LittleEndian.Uint32(b[80:]),
		size:     binary.LittleEndian.Uint32(b[84:]),
		arraySum: binary.LittleEndian.Uint32(b[88:]),
	}
	if err := h.check(im, lba, block); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *gptHeader) check(im *image, lba uint64, block int64) error {
	if h.lba != lba {
		return fmt.Errorf("it says it is in block %d, but is in block %d", h.lba, lba)
	}
	if h.size < gptMinEntry || h.size%8 != 0 || uint64(h.num)*uint64(h.size) > gptMaxEntries {
		return fmt.Errorf("%d entries of %d bytes are not possible", h.num, h.size)
	}
	off, ok := product(h.entries, uint64(block))
	if !ok || h.entries < 2 {
		return fmt.Errorf("the entries cannot be in block %d", h.entries)
	}
	if h.num == 0 {
		return nil
	}
	if h.array = im.at(off, int(h.num*h.size)); h.array == nil {
		return fmt.Errorf("the entries in block %d are past the end of the image", h.entries)
	}
	if crc32.ChecksumIEEE(h.array) != h.arraySum {
		return fmt.Errorf("the checksum of the entries does not match")
	}
	return nil
}

// protectiveMBR checks the MBR that keeps other programs from seeing an empty disk.
func (h *gptHeader) protectiveMBR(im *image, l *Layer) {
	b := im.at(0, sector)
	if b == nil || string(b[510:512]) != bootSignature {
		l.problem("there is no protective MBR in block 0: Linux ignores this table")
		return
	}
	protective, others := false, 0
	for i := range 4 {
		switch kind := b[446+16*i+4]; kind {
		case 0:
		case 0xee:
			protective = true
		default:
			others++
		}
	}
	switch {
	case !protective:
		l.problem("the MBR in block 0 has no protective entry: Linux takes this disk for an MBR disk")
	case others > 0:
		l.add("hybrid_mbr", true)
	}
}

func (h *gptHeader) describe(im *image, l *Layer, block int64) {
	l.UUID = h.disk
	l.add("first_usable_block", h.first)
	l.add("last_usable_block", h.last)
	l.add("entries", uint64(h.num))
	for i := 0; i < int(h.num); i++ {
		e := h.array[i*int(h.size):][:gptMinEntry]
		if allZero(e[:16]) {
			continue
		}
		l.Partitions = append(l.Partitions, h.partition(im, e, i+1, block))
	}
	l.overlaps()
	for i := range l.Partitions {
		l.openPartition(&l.Partitions[i])
	}
}

// gptAttributes are the attribute bits that have a name (UEFI and Discoverable Partitions Specification).
var gptAttributes = map[uint]string{
	0: "required", 1: "no-block-io", 2: "legacy-boot", 59: "grow-file-system", 60: "read-only", 62: "hidden", 63: "no-auto",
}

func (h *gptHeader) partition(im *image, e []byte, number int, block int64) Partition {
	p := Partition{Number: number, Type: guid(e[:16]), UUID: guid(e[16:32])}
	p.TypeName = gptTypes[p.Type]
	units := make([]uint16, 36)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(e[56+2*i:])
	}
	p.Name = utf16Text(units)
	for bit := uint(0); bit < 64; bit++ {
		if binary.LittleEndian.Uint64(e[48:])>>bit&1 == 0 {
			continue
		}
		name, ok := gptAttributes[bit]
		if !ok {
			name = fmt.Sprintf("bit-%d", bit)
		}
		p.Attributes = append(p.Attributes, name)
	}
	first, last := binary.LittleEndian.Uint64(e[32:]), binary.LittleEndian.Uint64(e[40:])
	size, ok := product(last-first+1, uint64(block))
	off, ok2 := product(first, uint64(block))
	switch {
	case first > last || !ok || !ok2 || off+im.base < off || off+im.base+size < off:
		p.Problems = append(p.Problems, fmt.Sprintf("blocks %d to %d are not possible", first, last))
		return p
	case first < h.first || last > h.last:
		p.Problems = append(p.Problems, fmt.Sprintf("blocks %d to %d are outside the usable blocks %d to %d", first, last, h.first, h.last))
	}
	p.Offset, p.Size = im.base+off, size
	if off+size > im.size {
		p.Problems = append(p.Problems, fmt.Sprintf("it ends at byte %d, past the end of the image at %d", p.Offset+size, im.base+im.size))
	}
	return p
}

// overlaps records every partition that begins before another one's end. Extended partitions hold others by
// nature.
func (l *Layer) overlaps() {
	order := make([]*Partition, 0, len(l.Partitions))
	for i := range l.Partitions {
		if p := &l.Partitions[i]; p.Size > 0 && !p.Container {
			order = append(order, p)
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return order[i].Offset < order[j].Offset })
	var widest *Partition
	for _, p := range order {
		if widest != nil && p.Offset < widest.Offset+widest.Size {
			p.Problems = append(p.Problems, fmt.Sprintf("it overlaps partition %d", widest.Number))
		}
		if widest == nil || p.Offset+p.Size > widest.Offset+widest.Size {
			widest = p
		}
	}
}

// openPartition adds the table line that makes a device of a sound partition.
func (l *Layer) openPartition(p *Partition) {
	if p.Container || p.Size <= 0 || len(p.Problems) > 0 || p.Offset%sector != 0 {
		return
	}
	l.openWith("p%d: 0 %d linear IMAGE %d", p.Number, p.Size/sector, p.Offset/sector)
}
