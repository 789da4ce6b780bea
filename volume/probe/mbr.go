package probe

import (
	"encoding/binary"
	"fmt"
)

const (
	mbrEntries    = 446
	mbrEntrySize  = 16
	mbrMaxLogical = 256 // Linux stops far earlier
	mbrProtective = 0xee
)

// mbrEntry is one of the four entries of a boot record.
type mbrEntry struct {
	active       byte
	kind         byte
	start, count uint32 // sectors of 512 bytes
}

func (e *mbrEntry) extended() bool {
	return e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85
}

// mbr recognises an MBR partition table with its logical partitions. A boot sector that belongs to a file
// system, and one that only protects a GPT, is none.
func mbr(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || string(b[510:512]) != bootSignature {
		return nil
	}
	if fat(im) != nil || ntfs(im) != nil || exfat(im) != nil || bitLocker(im) != nil {
		return nil
	}
	entries := parseMBR(b)
	used := 0
	for _, e := range entries {
		if e.active != 0 && e.active != 0x80 {
			return nil
		}
		if e.kind == mbrProtective && gpt(im) != nil {
			return nil
		}
		if e.kind != 0 && e.count != 0 {
			used++
		}
	}
	id := binary.LittleEndian.Uint32(b[440:])
	if used == 0 && id == 0 {
		return nil
	}
	l := im.layer("mbr", 0)
	l.UUID = fmt.Sprintf("%08x", id)
	for i, e := range entries {
		if e.kind == 0 || e.count == 0 {
			continue
		}
		l.Partitions = append(l.Partitions, mbrPartition(im, e, 0, i+1, id))
	}
	for _, e := range entries {
		if e.extended() && e.count != 0 {
			l.logical(im, e, id)
		}
	}
	l.overlaps()
	for i := range l.Partitions {
		l.openPartition(&l.Partitions[i])
	}
	return l
}

func parseMBR(b []byte) (entries [4]mbrEntry) {
	for i := range entries {
		e := b[mbrEntries+mbrEntrySize*i:]
		entries[i] = mbrEntry{
			active: e[0],
			kind:   e[4],
			start:  binary.LittleEndian.Uint32(e[8:]),
			count:  binary.LittleEndian.Uint32(e[12:]),
		}
	}
	return entries
}

// mbrPartition describes an entry whose start counts from sector from.
func mbrPartition(im *image, e mbrEntry, from uint64, number int, id uint32) Partition {
	p := Partition{
		Number:    number,
		Type:      fmt.Sprintf("0x%02x", e.kind),
		TypeName:  mbrTypes[e.kind],
		UUID:      fmt.Sprintf("%08x-%02x", id, number),
		Offset:    im.base + int64(from+uint64(e.start))*sector,
		Size:      int64(e.count) * sector,
		Container: e.extended(),
	}
	if e.active == 0x80 {
		p.Attributes = append(p.Attributes, "active")
	}
	if end := p.Offset + p.Size; end > im.base+im.size {
		p.Problems = append(p.Problems, fmt.Sprintf("it ends at byte %d, past the end of the image at %d", end, im.base+im.size))
	}
	return p
}

// logical follows the chain of extended boot records in the extended partition outer. Each names one logical
// partition, from its own sector, and the next record, from the start of the extended partition; a record
// seen before ends the chain.
func (l *Layer) logical(im *image, outer mbrEntry, id uint32) {
	seen := map[uint64]bool{}
	next := uint64(outer.start)
	number := 5
	for _, p := range l.Partitions {
		number = max(number, p.Number+1)
	}
	for range mbrMaxLogical {
		if seen[next] {
			l.problem("the chain of logical partitions runs in a circle at sector %d", next)
			return
		}
		seen[next] = true
		b := im.at(int64(next)*sector, sector)
		if b == nil || string(b[510:512]) != bootSignature {
			l.problem("the record of logical partitions in sector %d is not there", next)
			return
		}
		entries := parseMBR(b)
		var link *mbrEntry
		for i := range entries {
			e := &entries[i]
			switch {
			case e.kind == 0 || e.count == 0:
			case e.extended():
				if link == nil {
					link = e
				}
			default:
				l.Partitions = append(l.Partitions, mbrPartition(im, *e, next, number, id))
				number++
			}
		}
		if link == nil {
			return
		}
		next = uint64(outer.start) + uint64(link.start)
	}
	l.problem("there are more than %d logical partitions", mbrMaxLogical)
}
