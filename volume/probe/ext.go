package probe

import (
	"encoding/binary"
	"hash/crc32"
)

const (
	extOffset = 1024

	extCompatJournal   = 0x4
	extIncompatRecover = 0x4
	extIncompatJournal = 0x8 // the device is only a journal
	extIncompat64Bit   = 0x80
	extROMetadataSum   = 0x400
	extOldIncompat     = 0x2 | 0x4 | 0x8 | 0x10 // what ext2 and ext3 may use
	extOldROCompat     = 0x1 | 0x2 | 0x4
)

// ext recognises ext2, ext3 and ext4, told apart by the features in use as mount does.
func ext(im *image) *Layer {
	b := im.at(extOffset, 1024)
	if b == nil || binary.LittleEndian.Uint16(b[56:]) != 0xef53 {
		return nil
	}
	compat, incompat, ro := binary.LittleEndian.Uint32(b[92:]), binary.LittleEndian.Uint32(b[96:]), binary.LittleEndian.Uint32(b[100:])
	logBlock, inodes := binary.LittleEndian.Uint32(b[24:]), binary.LittleEndian.Uint32(b)
	if logBlock > 6 || (inodes == 0 && incompat&extIncompatJournal == 0) {
		return nil
	}
	l := im.layer(extKind(compat, incompat, ro), 0)
	l.UUID, l.Label = uuid(b[104:120]), text(b[120:136])
	blocks := uint64(binary.LittleEndian.Uint32(b[4:]))
	if incompat&extIncompat64Bit != 0 {
		blocks |= uint64(binary.LittleEndian.Uint32(b[336:])) << 32
	}
	block := uint64(1024) << logBlock
	l.add("block_size", block)
	l.add("blocks", blocks)
	l.add("inodes", uint64(inodes))
	state := binary.LittleEndian.Uint16(b[58:])
	l.add("clean", state&1 != 0 && incompat&extIncompatRecover == 0)
	l.add("has_errors", state&2 != 0)
	l.sized(im, blocks, block)
	if ro&extROMetadataSum != 0 && ^crc32.Checksum(b[:1020], castagnoli) != binary.LittleEndian.Uint32(b[1020:]) {
		l.problem("the checksum of the superblock does not match")
	}
	return l
}

func extKind(compat, incompat, ro uint32) string {
	switch {
	case incompat&extIncompatJournal != 0:
		return "jbd"
	case incompat&^extOldIncompat != 0 || ro&^extOldROCompat != 0:
		return "ext4"
	case compat&extCompatJournal != 0:
		return "ext3"
	}
	return "ext2"
}

// sized sets the size of a file system from its own count of blocks.
func (l *Layer) sized(im *image, blocks, block uint64) {
	size, ok := product(blocks, block)
	if !ok {
		l.problem("%d blocks of %d bytes are larger than any device", blocks, block)
		return
	}
	l.Size = size
	l.outgrown(im)
}
