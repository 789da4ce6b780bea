package probe

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

const (
	lvmLabels    = 4          // the label stands in one of the first four sectors
	lvmCRC       = 0xf597a6cf // initial value of every checksum
	lvmMaxAreas  = 16         // areas of a physical volume that are read
	lvmAreaMagic = " LVM2 x[5A%r0N*>"
)

// lvm2 recognises the label of an LVM2 physical volume and reads the name of its volume group.
func lvm2(im *image) *Layer {
	for i := range int64(lvmLabels) {
		b := im.at(i*sector, sector)
		if b == nil || string(b[:8]) != "LABELONE" || string(b[24:32]) != "LVM2 001" {
			continue
		}
		l := im.layer("lvm2", 0)
		if lvmSum(b[20:]) != binary.LittleEndian.Uint32(b[16:]) {
			l.problem("the checksum of the label in sector %d does not match", i)
		}
		if at := binary.LittleEndian.Uint64(b[8:]); at != uint64(i) {
			l.problem("the label says it is in sector %d, but is in %d", at, i)
		}
		header := binary.LittleEndian.Uint32(b[20:])
		if header < 32 || header > sector-40 {
			l.problem("the header offset %d is not possible", header)
			return l
		}
		describePV(im, l, b[header:])
		return l
	}
	return nil
}

// lvmSum is the CRC-32 of LVM2: the usual polynomial with its own initial value and no final inversion.
func lvmSum(b []byte) uint32 {
	const initial uint32 = lvmCRC
	return ^crc32.Update(^initial, crc32.IEEETable, b)
}

func describePV(im *image, l *Layer, b []byte) {
	l.UUID = lvmUUID(b[:32])
	size := binary.LittleEndian.Uint64(b[32:])
	l.add("device_size_bytes", size)
	if size <= 1<<62 {
		l.Size = int64(size)
		l.outgrown(im)
	}
	data, rest := lvmAreas(b[40:])
	metadata, _ := lvmAreas(rest)
	if len(data) > 0 {
		l.add("data_offset_bytes", data[0])
	}
	for _, off := range metadata {
		if name, sane := volumeGroup(im, off); sane {
			if name != "" {
				l.Label = name
				l.add("volume_group", name)
			}
			return
		}
		l.problem("the metadata area at byte %d is damaged", off)
	}
}

// lvmAreas reads a list of areas ended by a zero, and returns their offsets and what follows the list.
func lvmAreas(b []byte) (offsets []uint64, rest []byte) {
	for range lvmMaxAreas {
		if len(b) < 16 {
			return offsets, nil
		}
		off := binary.LittleEndian.Uint64(b)
		b = b[16:]
		if off == 0 {
			return offsets, b
		}
		offsets = append(offsets, off)
	}
	return offsets, nil
}

// volumeGroup reads the name in front of the first brace of the metadata text at the area at byte off.
func volumeGroup(im *image, off uint64) (name string, sane bool) {
	if off > uint64(im.size) {
		return "", false
	}
	b := im.at(int64(off), sector)
	if b == nil || string(b[4:20]) != lvmAreaMagic || lvmSum(b[4:]) != binary.LittleEndian.Uint32(b) {
		return "", false
	}
	start := binary.LittleEndian.Uint64(b[40:])
	if start == 0 {
		return "", true // an area that holds no metadata yet
	}
	if start > 1<<40 {
		return "", false
	}
	head := im.at(int64(off+start), 160)
	if head == nil {
		return "", false
	}
	line, _, ok := bytes.Cut(head, []byte(" {"))
	return strings.TrimSpace(text(line)), ok
}

// lvmUUID groups 32 characters as LVM prints them.
func lvmUUID(b []byte) string {
	s := text(b)
	if len(s) != 32 {
		return s
	}
	return strings.Join([]string{s[0:6], s[6:10], s[10:14], s[14:18], s[18:22], s[22:26], s[26:32]}, "-")
}
