package probe

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode/utf16"
)

// xfs recognises XFS (big-endian superblock at byte 0).
func xfs(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || string(b[:4]) != "XFSB" {
		return nil
	}
	block, sectorSize := uint64(binary.BigEndian.Uint32(b[4:])), uint64(binary.BigEndian.Uint16(b[102:]))
	if !powerOfTwo(block, 512, 65536) || !powerOfTwo(sectorSize, 512, 32768) {
		return nil
	}
	l := im.layer("xfs", 0)
	l.UUID, l.Label = uuid(b[32:48]), text(b[108:120])
	version := binary.BigEndian.Uint16(b[100:]) & 15
	l.add("version", uint64(version))
	l.add("block_size", block)
	l.add("sector_size", sectorSize)
	l.add("blocks", binary.BigEndian.Uint64(b[8:]))
	l.sized(im, binary.BigEndian.Uint64(b[8:]), block)
	if whole := im.at(0, int(sectorSize)); version == 5 && whole != nil && !xfsSum(whole) {
		l.problem("the checksum of the superblock does not match")
	}
	return l
}

func xfsSum(b []byte) bool {
	sum := crc32.Update(0, castagnoli, b[:224])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	return crc32.Update(sum, castagnoli, b[228:]) == binary.LittleEndian.Uint32(b[224:])
}

// btrfs recognises the first superblock of a btrfs device, at 64 KiB.
func btrfs(im *image) *Layer {
	b := im.at(64<<10, 4096)
	if b == nil || string(b[64:72]) != "_BHRfS_M" {
		return nil
	}
	l := im.layer("btrfs", 0)
	l.UUID, l.Label = uuid(b[32:48]), text(b[299:555])
	l.add("sector_size", uint64(binary.LittleEndian.Uint32(b[144:])))
	l.add("node_size", uint64(binary.LittleEndian.Uint32(b[148:])))
	l.add("devices", binary.LittleEndian.Uint64(b[136:]))
	l.add("device_id", binary.LittleEndian.Uint64(b[201:]))
	l.add("generation", binary.LittleEndian.Uint64(b[72:]))
	l.sized(im, binary.LittleEndian.Uint64(b[209:]), 1)
	if binary.LittleEndian.Uint16(b[196:]) == 0 && crc32.Checksum(b[32:], castagnoli) != binary.LittleEndian.Uint32(b) {
		l.problem("the checksum of the superblock does not match")
	}
	return l
}

// squashfsCompressors are the compressors by number.
var squashfsCompressors = []string{"", "gzip", "lzma", "lzo", "xz", "lz4", "zstd"}

// squashfs recognises squashfs 4.
func squashfs(im *image) *Layer {
	b := im.at(0, 96)
	if b == nil || string(b[:4]) != "hsqs" {
		return nil
	}
	l := im.layer("squashfs", 0)
	major, minor := binary.LittleEndian.Uint16(b[28:]), binary.LittleEndian.Uint16(b[30:])
	l.add("version", fmt.Sprintf("%d.%d", major, minor))
	compressor := fmt.Sprintf("number %d", binary.LittleEndian.Uint16(b[20:]))
	if n := int(binary.LittleEndian.Uint16(b[20:])); n > 0 && n < len(squashfsCompressors) {
		compressor = squashfsCompressors[n]
	}
	l.add("compression", compressor)
	l.add("block_size", uint64(binary.LittleEndian.Uint32(b[12:])))
	l.add("inodes", uint64(binary.LittleEndian.Uint32(b[4:])))
	l.add("bytes_used", binary.LittleEndian.Uint64(b[40:]))
	l.sized(im, binary.LittleEndian.Uint64(b[40:]), 1)
	return l
}

// erofs recognises EROFS, whose superblock stands at 1024.
func erofs(im *image) *Layer {
	b := im.at(1024, 128)
	if b == nil || binary.LittleEndian.Uint32(b) != 0xe0f5e1e2 || b[12] < 9 || b[12] > 16 {
		return nil
	}
	l := im.layer("erofs", 0)
	l.UUID, l.Label = uuid(b[48:64]), text(b[64:80])
	block := uint64(1) << b[12]
	l.add("block_size", block)
	l.add("blocks", uint64(binary.LittleEndian.Uint32(b[36:])))
	l.add("inodes", binary.LittleEndian.Uint64(b[16:]))
	l.sized(im, uint64(binary.LittleEndian.Uint32(b[36:])), block)
	if binary.LittleEndian.Uint32(b[8:])&1 != 0 && block > 1024 && !erofsSum(im, int(block)) {
		l.problem("the checksum of the superblock does not match")
	}
	return l
}

// erofsSum checks the CRC-32C, not inverted at the end, of the rest of the first block, its own field zero.
func erofsSum(im *image, block int) bool {
	b := im.at(1024, block-1024)
	if b == nil {
		return false
	}
	sum := crc32.Update(0, castagnoli, b[:4])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	return ^crc32.Update(sum, castagnoli, b[8:]) == binary.LittleEndian.Uint32(b[4:])
}

// f2fs recognises F2FS, whose superblock stands at 1024.
func f2fs(im *image) *Layer {
	b := im.at(1024, 1148)
	if b == nil || binary.LittleEndian.Uint32(b) != 0xf2f52010 {
		return nil
	}
	logBlock := binary.LittleEndian.Uint32(b[16:])
	if logBlock < 12 || logBlock > 16 {
		return nil
	}
	l := im.layer("f2fs", 0)
	l.UUID = uuid(b[108:124])
	units := make([]uint16, 512)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[124+2*i:])
	}
	l.Label = utf16Text(units)
	l.add("version", fmt.Sprintf("%d.%d", binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])))
	l.add("block_size", uint64(1)<<logBlock)
	l.add("blocks", binary.LittleEndian.Uint64(b[36:]))
	l.sized(im, binary.LittleEndian.Uint64(b[36:]), 1<<logBlock)
	return l
}

// utf16Text is [text] for UTF-16.
func utf16Text(units []uint16) string {
	for i, u := range units {
		if u == 0 {
			units = units[:i]
			break
		}
	}
	return printable(string(utf16.Decode(units)))
}

// iso9660 recognises the primary volume descriptor at sector 16 of 2048 bytes.
func iso9660(im *image) *Layer {
	b := im.at(32768, 2048)
	if b == nil || b[0] != 1 || string(b[1:6]) != "CD001" {
		return nil
	}
	l := im.layer("iso9660", 0)
	l.Label = strings.TrimRight(text(b[40:72]), " ")
	l.UUID = isoDate(b[830:847])
	if l.UUID == "" {
		l.UUID = isoDate(b[813:830])
	}
	block := uint64(binary.LittleEndian.Uint16(b[128:]))
	l.add("block_size", block)
	l.add("blocks", uint64(binary.LittleEndian.Uint32(b[80:])))
	l.sized(im, uint64(binary.LittleEndian.Uint32(b[80:])), block)
	return l
}

// isoDate makes of 16 digits what is used as UUID of ISO 9660: 2022-01-02-03-04-05-00.
func isoDate(b []byte) string {
	digits := b[:16]
	for _, c := range digits {
		if c < '0' || c > '9' {
			return ""
		}
	}
	if strings.Trim(string(digits), "0") == "" {
		return ""
	}
	s := string(digits)
	return strings.Join([]string{s[0:4], s[4:6], s[6:8], s[8:10], s[10:12], s[12:14], s[14:16]}, "-")
}

// smallFileSystem recognises cramfs, romfs, Minix and ZFS.
func smallFileSystem(im *image) *Layer {
	if b := im.at(0, 64); b != nil {
		switch {
		case binary.LittleEndian.Uint32(b) == 0x28cd3d45 && string(b[16:32]) == "Compressed ROMFS":
			l := im.layer("cramfs", 0)
			l.Label = text(b[48:64])
			l.sized(im, uint64(binary.LittleEndian.Uint32(b[4:])), 1)
			return l
		case string(b[:8]) == "-rom1fs-":
			l := im.layer("romfs", 0)
			l.Label = text(b[16:])
			l.sized(im, uint64(binary.BigEndian.Uint32(b[8:])), 1)
			return l
		}
	}
	if l := minix(im); l != nil {
		return l
	}
	return zfs(im)
}

// minixVersions are the magics of the little-endian Minix file systems with their place in the superblock.
var minixVersions = []struct {
	magic   uint16
	at      int
	version uint64
}{{0x137f, 16, 1}, {0x138f, 16, 1}, {0x2468, 16, 2}, {0x2478, 16, 2}, {0x4d5a, 24, 3}}

// minix recognises a Minix file system; its magic has only 16 bits, so that the bitmaps must fit too.
func minix(im *image) *Layer {
	b := im.at(1024, 32)
	if b == nil {
		return nil
	}
	for _, v := range minixVersions {
		if binary.LittleEndian.Uint16(b[v.at:]) != v.magic {
			continue
		}
		inodes, zones := uint64(binary.LittleEndian.Uint16(b)), uint64(binary.LittleEndian.Uint16(b[2:]))
		maps, logZone, block := 4, b[10], uint64(1024)
		switch v.version {
		case 2:
			zones = uint64(binary.LittleEndian.Uint32(b[20:]))
		case 3:
			inodes, zones = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[20:]))
			maps, logZone, block = 6, b[12], uint64(binary.LittleEndian.Uint16(b[28:]))
		}
		imap, zmap := uint64(binary.LittleEndian.Uint16(b[maps:])), uint64(binary.LittleEndian.Uint16(b[maps+2:]))
		if inodes == 0 || zones == 0 || logZone != 0 || !powerOfTwo(block, 1024, 32768) ||
			imap*block*8 < inodes || zmap*block*8 < zones-min(zones, uint64(binary.LittleEndian.Uint16(b[8:]))) {
			continue
		}
		l := im.layer("minix", 0)
		l.add("version", v.version)
		l.add("block_size", block)
		l.sized(im, zones, block)
		return l
	}
	return nil
}
