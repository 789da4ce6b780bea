package probe

import (
	"encoding/binary"
	"fmt"
)

const mdMagic = 0xa92b4efc

// mdLevels names the personalities of a superblock.
var mdLevels = map[int32]string{
	-5: "faulty", -4: "multipath", -1: "linear", 0: "raid0", 1: "raid1", 4: "raid4", 5: "raid5", 6: "raid6", 10: "raid10",
	-32: "container",
}

func mdLevel(n uint32) string {
	if s, ok := mdLevels[int32(n)]; ok {
		return s
	}
	return fmt.Sprintf("level %d", int32(n))
}

// mdRAID recognises a member of a Linux software RAID. Version 1.1 stands at the start, 1.2 at 4 KiB, 1.0 and
// 0.90 near the end; those at the end count only where no partition of the image covers them, because they
// are then that partition's.
func mdRAID(im *image) *Layer {
	for minor, off := range []int64{(im.size/sector - 16) &^ 7 * sector, 0, 4096} {
		if l := md1(im, off, minor); l != nil {
			if minor == 0 && coveredByPartition(im, off) {
				return nil
			}
			return l
		}
	}
	off := im.size&^(64<<10-1) - 64<<10
	if l := md0(im, off); l != nil && !coveredByPartition(im, off) {
		return l
	}
	return nil
}

// md1 describes a version 1.MINOR superblock at byte off.
func md1(im *image, off int64, minor int) *Layer {
	b := im.at(off, 256)
	if b == nil || binary.LittleEndian.Uint32(b) != mdMagic || binary.LittleEndian.Uint32(b[4:]) != 1 {
		return nil
	}
	if binary.LittleEndian.Uint64(b[144:]) != uint64(off)/sector {
		return nil // a superblock of something else that happens to stand here
	}
	l := im.layer("md", 0)
	l.UUID, l.Label = uuid(b[16:32]), text(b[32:64])
	level := mdLevel(binary.LittleEndian.Uint32(b[72:]))
	data, size := binary.LittleEndian.Uint64(b[128:]), binary.LittleEndian.Uint64(b[136:])
	l.add("metadata_version", fmt.Sprintf("1.%d", minor))
	l.add("level", level)
	l.add("layout", uint64(binary.LittleEndian.Uint32(b[76:])))
	l.add("chunk_size_bytes", uint64(binary.LittleEndian.Uint32(b[88:]))*sector)
	l.add("devices", uint64(binary.LittleEndian.Uint32(b[92:])))
	l.add("device_number", uint64(binary.LittleEndian.Uint32(b[160:])))
	l.add("device_uuid", uuid(b[168:184]))
	l.add("events", binary.LittleEndian.Uint64(b[200:]))
	l.add("data_offset_bytes", data*sector)
	l.add("data_size_bytes", size*sector)
	devices := binary.LittleEndian.Uint32(b[220:])
	if devices > 1920 {
		l.problem("room for %d devices is not possible", devices)
		return l
	}
	if sum, ok := md1Sum(im, off, int(devices)); !ok || sum != binary.LittleEndian.Uint32(b[216:]) {
		l.problem("the checksum of the superblock does not match")
		return l
	}
	if data > uint64(im.size)/sector || size > uint64(im.size)/sector-data {
		l.problem("its data (%d sectors from sector %d) goes past the end: the image is cut off", size, data)
		return l
	}
	if start, ok := im.sectors(int64(data) * sector); ok && level == "raid1" {
		l.openWith("0 %d linear IMAGE %d", size, start)
	}
	return l
}

// md1Sum adds up the superblock in 32-bit words, its checksum counted as zero, and folds the carry.
func md1Sum(im *image, off int64, devices int) (sum uint32, ok bool) {
	b := im.at(off, 256+2*devices)
	if b == nil {
		return 0, false
	}
	var total uint64
	for i := 0; i+4 <= len(b); i += 4 {
		if i != 216 {
			total += uint64(binary.LittleEndian.Uint32(b[i:]))
		}
	}
	if len(b)%4 == 2 {
		total += uint64(binary.LittleEndian.Uint16(b[len(b)-2:]))
	}
	return uint32(total) + uint32(total>>32), true
}

// md0 describes a version 0.90 superblock at byte off. It is in the byte order of the machine that wrote it.
func md0(im *image, off int64) *Layer {
	b := im.at(off, 4096)
	if b == nil {
		return nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if binary.BigEndian.Uint32(b) == mdMagic {
		order = binary.BigEndian
	}
	if order.Uint32(b) != mdMagic || order.Uint32(b[4:]) != 0 || order.Uint32(b[8:]) != 90 {
		return nil
	}
	l := im.layer("md", 0)
	var id [16]byte
	for i, at := range []int{20, 52, 56, 60} {
		binary.BigEndian.PutUint32(id[4*i:], order.Uint32(b[at:]))
	}
	l.UUID = uuid(id[:])
	level := mdLevel(order.Uint32(b[28:]))
	l.add("metadata_version", "0.90")
	l.add("level", level)
	l.add("layout", uint64(order.Uint32(b[256:])))
	l.add("chunk_size_bytes", uint64(order.Uint32(b[260:])))
	l.add("devices", uint64(order.Uint32(b[40:])))
	l.add("device_number", uint64(order.Uint32(b[3980:])))
	l.add("data_offset_bytes", uint64(0))
	l.add("data_size_bytes", uint64(order.Uint32(b[32:]))*1024)
	if start, ok := im.sectors(0); ok && level == "raid1" {
		l.openWith("0 %d linear IMAGE %d", uint64(order.Uint32(b[32:]))*2, start)
	}
	return l
}

// coveredByPartition says whether the image has a partition table, and byte off lies in one of its partitions.
func coveredByPartition(im *image, off int64) bool {
	for _, table := range []func(*image) *Layer{gpt, mbr} {
		l := table(im)
		if l == nil {
			continue
		}
		for _, p := range l.Partitions {
			if at := off + im.base - p.Offset; at >= 0 && at < p.Size {
				return true
			}
		}
	}
	return false
}
