package probe

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const bootSignature = "\x55\xaa"

// fat recognises FAT12, FAT16 and FAT32 by a boot sector whose geometry makes sense; the text "FAT" in it
// means nothing by the specification.
func fat(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || !plausibleFAT(b) {
		return nil
	}
	l := im.layer("vfat", 0)
	bytesPerSector := uint64(binary.LittleEndian.Uint16(b[11:]))
	sectors := uint64(binary.LittleEndian.Uint16(b[19:]))
	if sectors == 0 {
		sectors = uint64(binary.LittleEndian.Uint32(b[32:]))
	}
	width := fatWidth(b, sectors, bytesPerSector)
	extended := b[36:]
	if width == 32 {
		extended = b[64:]
	}
	if extended[2] == 0x28 || extended[2] == 0x29 {
		serial := binary.LittleEndian.Uint32(extended[3:])
		l.UUID = fmt.Sprintf("%04X-%04X", serial>>16, serial&0xffff)
	}
	if extended[2] == 0x29 {
		if s := strings.TrimRight(text(extended[7:18]), " "); s != "NO NAME" {
			l.Label = s
		}
	}
	l.add("version", fmt.Sprintf("FAT%d", width))
	l.add("sector_size", bytesPerSector)
	l.add("cluster_size", bytesPerSector*uint64(b[13]))
	l.sized(im, sectors, bytesPerSector)
	return l
}

func plausibleFAT(b []byte) bool {
	if b[0] != 0xeb && b[0] != 0xe9 || string(b[510:512]) != bootSignature {
		return false
	}
	if string(b[3:11]) == "NTFS    " || string(b[3:11]) == "EXFAT   " || string(b[3:11]) == "-FVE-FS-" {
		return false
	}
	media := b[21]
	return powerOfTwo(uint64(binary.LittleEndian.Uint16(b[11:])), 512, 4096) &&
		powerOfTwo(uint64(b[13]), 1, 128) &&
		binary.LittleEndian.Uint16(b[14:]) != 0 &&
		(b[16] == 1 || b[16] == 2) &&
		(media == 0xf0 || media >= 0xf8) &&
		(binary.LittleEndian.Uint16(b[19:]) != 0 || binary.LittleEndian.Uint32(b[32:]) != 0) &&
		(binary.LittleEndian.Uint16(b[22:]) != 0 || binary.LittleEndian.Uint32(b[36:]) != 0)
}

// fatWidth counts the clusters, which alone decides the type.
func fatWidth(b []byte, sectors, bytesPerSector uint64) int {
	tables := uint64(binary.LittleEndian.Uint16(b[22:]))
	if tables == 0 {
		return 32
	}
	root := (uint64(binary.LittleEndian.Uint16(b[17:]))*32 + bytesPerSector - 1) / bytesPerSector
	used := uint64(binary.LittleEndian.Uint16(b[14:])) + uint64(b[16])*tables + root
	if used > sectors || (sectors-used)/uint64(b[13]) < 4085 {
		return 12
	}
	return 16
}

// ntfs recognises NTFS by its boot sector.
func ntfs(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || string(b[3:11]) != "NTFS    " || string(b[510:512]) != bootSignature {
		return nil
	}
	bytesPerSector := uint64(binary.LittleEndian.Uint16(b[11:]))
	if !powerOfTwo(bytesPerSector, 256, 4096) {
		return nil
	}
	l := im.layer("ntfs", 0)
	l.UUID = fmt.Sprintf("%016X", binary.LittleEndian.Uint64(b[72:]))
	l.add("sector_size", bytesPerSector)
	cluster := uint64(b[13])
	if cluster > 128 { // a negative power of two
		cluster = 1 << min(-int8(b[13]), 16)
	}
	l.add("cluster_size", cluster*bytesPerSector)
	l.sized(im, binary.LittleEndian.Uint64(b[40:]), bytesPerSector)
	return l
}

// exfat recognises exFAT by its boot sector.
func exfat(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || string(b[3:11]) != "EXFAT   " || string(b[510:512]) != bootSignature || b[108] < 9 || b[108] > 12 || b[109] > 25 {
		return nil
	}
	l := im.layer("exfat", 0)
	serial := binary.LittleEndian.Uint32(b[100:])
	l.UUID = fmt.Sprintf("%04X-%04X", serial>>16, serial&0xffff)
	l.add("sector_size", uint64(1)<<b[108])
	l.add("cluster_size", uint64(1)<<(b[108]+b[109]))
	l.sized(im, binary.LittleEndian.Uint64(b[72:]), 1<<b[108])
	return l
}
