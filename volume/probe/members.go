package probe

import (
	"encoding/binary"
	"fmt"
)

// bcache recognises a backing or cache device of bcache, whose superblock stands at 4 KiB.
func bcache(im *image) *Layer {
	b := im.at(4096, 256)
	if b == nil || !im.has(4096+24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81") {
		return nil
	}
	l := im.layer("bcache", 0)
	l.UUID, l.Label = uuid(b[40:56]), text(b[72:104])
	l.add("superblock_version", binary.LittleEndian.Uint64(b[16:]))
	l.add("set_uuid", uuid(b[56:72]))
	return l
}

// vdo recognises the geometry block of VDO.
func vdo(im *image) *Layer {
	b := im.at(0, 56)
	if b == nil || string(b[:8]) != "dmvdo001" {
		return nil
	}
	l := im.layer("vdo", 0)
	l.UUID = uuid(b[40:56])
	return l
}

// bitLocker recognises a volume encrypted by Windows.
func bitLocker(im *image) *Layer {
	if !im.has(3, "-FVE-FS-") || !im.has(510, bootSignature) {
		return nil
	}
	return im.layer("bitlocker", 0)
}

// zfs recognises a ZFS pool member by an uberblock in the ring of the first label, in either byte order.
func zfs(im *image) *Layer {
	const ring, slots = 128 << 10, 128
	b := im.at(ring, slots<<10)
	if b == nil {
		return nil
	}
	for i := range slots {
		slot := b[i<<10:]
		var order binary.ByteOrder = binary.LittleEndian
		if binary.BigEndian.Uint64(slot) == 0x00bab10c {
			order = binary.BigEndian
		}
		if order.Uint64(slot) == 0x00bab10c {
			l := im.layer("zfs", 0)
			l.add("version", order.Uint64(slot[8:]))
			return l
		}
	}
	return nil
}

// swap recognises swap space for any page size, and a hibernation image in it.
func swap(im *image) *Layer {
	for page := int64(4096); page <= 65536; page *= 2 {
		b := im.at(page-10, 10)
		if b == nil {
			return nil
		}
		kind := ""
		switch string(b) {
		case "SWAPSPACE2", "SWAP-SPACE":
			kind = "swap"
		case "S1SUSPEND\x00", "S2SUSPEND\x00", "ULSUSPEND\x00", "LINHIB0001":
			kind = "suspend"
		default:
			continue
		}
		return describeSwap(im, kind, page)
	}
	return nil
}

func describeSwap(im *image, kind string, page int64) *Layer {
	l := im.layer(kind, 0)
	l.add("page_size", uint64(page))
	b := im.at(1024, 44)
	if b == nil {
		return l
	}
	var order binary.ByteOrder = binary.LittleEndian
	if binary.BigEndian.Uint32(b) == 1 {
		order = binary.BigEndian
	}
	if order.Uint32(b) != 1 {
		return l // version 0 has no header
	}
	l.UUID, l.Label = uuid(b[12:28]), text(b[28:44])
	l.Size = (int64(order.Uint32(b[4:])) + 1) * page
	l.add("pages", uint64(order.Uint32(b[4:]))+1)
	l.outgrown(im)
	return l
}

// packedMagics are files that have to be unpacked before anything can be said about them.
var packedMagics = []struct{ kind, magic, unpack string }{
	{"gzip", "\x1f\x8b\x08", "gzip -dc IMAGE > OUT"},
	{"xz", "\xfd7zXZ\x00", "xz -dc IMAGE > OUT"},
	{"zstd", "\x28\xb5\x2f\xfd", "zstd -dc IMAGE > OUT"},
	{"bzip2", "BZh", "bzip2 -dc IMAGE > OUT"},
	{"lz4", "\x04\x22\x4d\x18", "lz4 -dc IMAGE > OUT"},
	{"zip", "PK\x03\x04", "unzip IMAGE"},
	{"7z", "7z\xbc\xaf\x27\x1c", "7z x IMAGE"},
}

func packed(im *image) *Layer {
	for _, p := range packedMagics {
		if im.has(0, p.magic) {
			l := im.layer(p.kind, 0)
			l.openWith("%s", p.unpack)
			return l
		}
	}
	if im.has(257, "ustar") {
		l := im.layer("tar", 0)
		l.openWith("tar -xf IMAGE")
		return l
	}
	return nil
}

// unknown describes an image in which nothing was recognised, as far as its first bytes allow.
func unknown(im *image) *Layer {
	head := im.at(0, int(min(im.size, 64<<10)))
	if head != nil && allZero(head) {
		l := im.layer("empty", 0)
		l.Description = fmt.Sprintf("%s (the first %d bytes are zero)", kinds["empty"], len(head))
		return l
	}
	l := im.layer("unknown", 0)
	if im.size == 0 {
		l.Kind, l.Description = "empty", "the image has no bytes"
	} else if looksRandom(head) {
		l.Description = "no known signature; the bytes look random, as plain dm-crypt or a volume with a detached header does"
		if start, ok := im.sectors(0); ok && im.size >= sector {
			l.openWith("0 %d crypt aes-xts-plain64 KEY 0 IMAGE %d", im.size/sector, start)
		}
	}
	return l
}

// looksRandom compares the counts of byte values with a uniform distribution: chi-square over 256 values has
// mean 255 and deviation 22.6, so that 400 is more than six deviations away, and text or code in the thousands.
func looksRandom(b []byte) bool {
	if len(b) < 4096 {
		return false
	}
	var counts [256]float64
	for _, c := range b {
		counts[c]++
	}
	want, chi := float64(len(b))/256, 0.0
	for _, n := range counts {
		chi += (n - want) * (n - want) / want
	}
	return chi < 400
}
