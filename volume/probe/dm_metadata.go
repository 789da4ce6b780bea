package probe

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// snapshotCOW recognises a persistent exception store.
func snapshotCOW(im *image) *Layer {
	b := im.at(0, 16)
	if b == nil || binary.LittleEndian.Uint32(b) != 0x70416e53 {
		return nil
	}
	valid, version, chunk := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	l := im.layer("snapshot-cow", 0)
	l.add("valid", valid != 0)
	l.add("version", uint64(version))
	l.add("chunk_size_bytes", uint64(chunk)*sector)
	if version != 1 {
		l.problem("version %d is not known, only 1 is", version)
	}
	if !powerOfTwo(uint64(chunk), 1, 1<<22) {
		l.problem("a chunk of %d sectors is not possible", chunk)
		return l
	}
	if valid == 0 {
		l.problem("the snapshot was marked invalid (it ran full): its content is lost")
	}
	if start, ok := im.sectors(0); ok && start == 0 {
		l.openWith("0 SIZE snapshot ORIGIN IMAGE P %d", chunk)
	}
	return l
}

// poolFormat is one of the metadata formats built on the kernel's persistent-data library.
type poolFormat struct {
	kind                string
	magic               uint64
	crcXor              uint32
	versions            [2]uint32 // lowest and highest that is known
	version, block, end int       // offsets: version, data block in sectors (0: none), compat flags (0: none)
	openWith            string
}

var poolFormats = []poolFormat{
	{"thin-pool", 27022010, 160774, [2]uint32{1, 2}, 40, 336, 352, "0 SIZE thin-pool IMAGE DATA %d 0"},
	{"cache", 0o6142003, 9031977, [2]uint32{1, 2}, 40, 232, 244, "0 SIZE cache IMAGE CACHE ORIGIN %d 0 default 0"},
	{"era", 2126579579, 146538381, [2]uint32{1, 1}, 40, 172, 0, "0 SIZE era IMAGE ORIGIN %d"},
	{"clone", 0x8af27f64, 257649492, [2]uint32{1, 1}, 40, 0, 0, "0 SIZE clone IMAGE DESTINATION SOURCE %d"},
}

// poolMetadata recognises the superblock of thin-pool, cache, era and clone metadata.
func poolMetadata(im *image) *Layer {
	b := im.at(0, 4096)
	if b == nil {
		return nil
	}
	magic := binary.LittleEndian.Uint64(b[32:])
	for i := range poolFormats {
		if f := &poolFormats[i]; f.magic == magic {
			return f.describe(im, b)
		}
	}
	return nil
}

func (f *poolFormat) describe(im *image, b []byte) *Layer {
	l := im.layer(f.kind, 0)
	l.UUID = uuid(b[16:32])
	version := binary.LittleEndian.Uint32(b[f.version:])
	block := f.blockSectors(b)
	l.add("version", uint64(version))
	l.add("block_size_bytes", block*sector)
	if f.kind == "thin-pool" {
		l.add("transaction_id", binary.LittleEndian.Uint64(b[48:]))
		l.add("metadata_snapshot_block", binary.LittleEndian.Uint64(b[56:]))
		l.add("needs_check", b[4]&1 != 0)
	}
	if f.kind == "cache" {
		l.add("clean_shutdown", b[4]&1 != 0)
		l.add("needs_check", b[4]&2 != 0)
		l.add("policy", text(b[44:60]))
		l.add("cache_blocks", uint64(binary.LittleEndian.Uint32(b[240:])))
	}
	if f.kind == "era" {
		l.add("blocks", uint64(binary.LittleEndian.Uint32(b[180:])))
		l.add("current_era", uint64(binary.LittleEndian.Uint32(b[184:])))
	}
	want := ^crc32.Checksum(b[4:], castagnoli) ^ f.crcXor
	switch {
	case binary.LittleEndian.Uint32(b) != want:
		l.problem("the checksum of the superblock does not match")
	case binary.LittleEndian.Uint64(b[8:]) != 0:
		l.problem("the superblock says it belongs at block %d", binary.LittleEndian.Uint64(b[8:]))
	case version < f.versions[0]:
		l.problem("version %d is not known", version)
	case block == 0:
		l.problem("the block size is not possible")
	case f.end != 0 && binary.LittleEndian.Uint32(b[f.end+8:]) != 0:
		l.problem("it uses incompatible features (0x%x)", binary.LittleEndian.Uint32(b[f.end+8:]))
	default:
		l.openWith(f.openWith, block)
	}
	return l
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (f *poolFormat) blockSectors(b []byte) uint64 {
	if f.kind == "clone" {
		if n := binary.LittleEndian.Uint64(b[172:]); n <= 1<<31 {
			return n
		}
		return 0
	}
	return uint64(binary.LittleEndian.Uint32(b[f.block:]))
}

// writecache recognises the cache device of dm-writecache: superblock, then
// one entry a block, then the blocks.
func writecache(im *image) *Layer {
	b := im.at(0, 64)
	if b == nil || binary.LittleEndian.Uint32(b) != 0x23489321 {
		return nil
	}
	version, block := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	blocks := binary.LittleEndian.Uint64(b[16:])
	l := im.layer("writecache", 0)
	l.add("version", uint64(version))
	l.add("block_size_bytes", uint64(block))
	l.add("blocks", blocks)
	l.add("sequence", binary.LittleEndian.Uint64(b[24:]))
	size, ok := product(blocks, 16+uint64(block))
	switch {
	case version != 1:
		l.problem("version %d is not known, only 1 is", version)
	case !powerOfTwo(uint64(block), sector, 65536):
		l.problem("a block of %d bytes is not possible", block)
	case !ok || size > im.size:
		l.problem("%d blocks of %d bytes do not fit into the image", blocks, block)
	default:
		l.openWith("0 SIZE writecache s ORIGIN IMAGE %d 0", block)
	}
	return l
}

// mirrorLog recognises the disk log of dm-mirror: magic, version and nothing else that tells its origin.
func mirrorLog(im *image) *Layer {
	b := im.at(0, 16)
	if b == nil || binary.LittleEndian.Uint32(b) != 0x4d695272 {
		return nil
	}
	l := im.layer("mirror-log", 0)
	version := binary.LittleEndian.Uint32(b[4:])
	l.add("version", uint64(version))
	l.add("regions", binary.LittleEndian.Uint64(b[8:]))
	if version < 1 || version > 2 {
		l.problem("version %d is not known", version)
	}
	return l
}

// raidLevels are the levels of a dm-raid superblock.
var raidLevels = map[uint32]string{0: "raid0", 1: "raid1", 4: "raid4", 5: "raid5", 6: "raid6", 10: "raid10"}

// raidMetadata recognises the superblock of a dm-raid metadata device.
func raidMetadata(im *image) *Layer {
	b := im.at(0, 148)
	if b == nil || binary.LittleEndian.Uint32(b) != 0x64526d44 {
		return nil
	}
	l := im.layer("raid", 0)
	devices, position := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	level, ok := raidLevels[binary.LittleEndian.Uint32(b[48:])]
	if !ok {
		level = fmt.Sprintf("level %d", binary.LittleEndian.Uint32(b[48:]))
		l.problem("%s is not a RAID level of dm-raid", level)
	}
	l.add("level", level)
	l.add("layout", uint64(binary.LittleEndian.Uint32(b[52:])))
	l.add("devices", uint64(devices))
	l.add("position", uint64(position))
	l.add("chunk_size_bytes", uint64(binary.LittleEndian.Uint32(b[56:]))*sector)
	l.add("events", binary.LittleEndian.Uint64(b[16:]))
	failed := binary.LittleEndian.Uint64(b[24:])
	if failed != 0 {
		l.add("failed_devices", fmt.Sprintf("0x%x", failed))
	}
	if devices == 0 || devices > 253 || position >= devices {
		l.problem("device %d of %d is not possible", position, devices)
	} else if position < 64 && failed&(1<<position) != 0 {
		l.problem("this device is marked failed in its own superblock")
	}
	return l
}
