// Package probe answers one question: what is this image?
//
// It looks for the signatures that block images carry (partition tables, LUKS, dm-verity, dm-integrity,
// metadata of other device-mapper targets, LVM2, MD RAID, file systems, swap, virtual disk files), checks the
// headers it finds as far as that needs no key, and says in words and in fields what they describe, what is
// damaged, and which table line or command would open it.
//
// The formats follow the LUKS1 and LUKS2 on-disk format documents, the superblocks that the device-mapper
// targets of Linux 6.12 write, UEFI 2.10 section 5 for GPT, the Discoverable Partitions Specification for
// partition types, and the documentation of each file system for the rest.
//
//	f, _ := os.Open("disk.img")
//	fi, _ := f.Stat()
//	layer, err := probe.Inspect(f, 0, fi.Size())
//	if err != nil { … }
//	fmt.Println(layer.Kind, layer.Description, layer.UUID)
//	for _, p := range layer.Partitions { fmt.Println(p.Number, p.TypeName, p.Offset, p.Content.Kind) }
//
// It opens nothing that is encrypted or nested: one layer, and one more for the content of each partition.
// Every byte is treated as hostile: reads and allocations are bounded before they are made.
package probe

import (
	"errors"
	"fmt"
	"io"
)

// Layer describes one layer of an image.
type Layer struct {
	// Kind is a short stable word in lower case, such as "luks2", "verity", "gpt", "ext4"; "unknown" when no
	// signature was found. Kinds are listed in kinds.go.
	Kind string
	// Description is one phrase for people.
	Description string
	// Offset is the byte at which the layer starts, counted from the start of the reader.
	Offset int64
	// Size is how many bytes the layer occupies by its own account; where the format does not say, it is the
	// number of bytes up to the end of what was probed.
	Size int64
	// UUID and Label are empty when the format has none.
	UUID, Label string
	// Fields are the format's own facts, in a fixed order.
	Fields []Field
	// Partitions are the partitions of a partition table, in the order of the table.
	Partitions []Partition
	// OpenWith are the commands and table lines that would open the layer. Words in capitals are for the
	// caller to fill in: IMAGE (this image), DATA (the data device), ROOT (the root hash), KEY, SIZE.
	OpenWith []string
	// Problems are the damages and contradictions that were found, each a sentence for people.
	Problems []string
	// Also are further layers whose signatures were found in the same place: a verity superblock behind a
	// file system, or the remains of what was there before.
	Also []*Layer

	tree *verityTree // of a verity superblock
}

// Field is one fact of a layer.
type Field struct {
	// Name is lower_snake_case; names of byte counts end in _bytes or _size.
	Name string
	// Value is a string, uint64, bool or []string.
	Value any
}

// Partition is one entry of a partition table.
type Partition struct {
	// Number counts from 1 as Linux names partitions; logical MBR partitions start at 5.
	Number int
	// Type is the type GUID in lower case (GPT) or "0x83" (MBR).
	Type string
	// TypeName is what the type stands for, for instance "root-x86-64-verity"; empty when not known.
	TypeName string
	// UUID is the partition's own identifier; for an MBR it is made as Linux does, from disk id and number.
	UUID string
	// Name is the label of a GPT entry.
	Name string
	// Offset and Size are bytes; Offset counts from the start of the reader.
	Offset, Size int64
	// Attributes are the GPT attribute bits by name, or "active" of an MBR entry.
	Attributes []string
	// Container says that the entry is an extended partition, which only holds others.
	Container bool
	// Problems are the damages of this entry.
	Problems []string
	// Content is what [Inspect] found inside; nil after [Probe].
	Content *Layer
}

// ErrSize reports a range to probe that is negative or overflows.
var ErrSize = errors.New("range is negative or too large")

// Probe says what the image of size bytes in r is: one layer, partitions not looked into.
//
// The only errors are [ErrSize] and a failing read where nothing could be recognised; a failing read beside
// something that was recognised is one of its Problems. Probe keeps neither r nor any of its bytes, and
// concurrent calls are safe if r's ReadAt is.
func Probe(r io.ReaderAt, size int64) (*Layer, error) {
	return probeRange(r, 0, size)
}

// Inspect probes size bytes from byte off of r, and then the content of each partition. Offsets in the result
// count from the start of r. Errors are those of [Probe].
func Inspect(r io.ReaderAt, off, size int64) (*Layer, error) {
	l, err := probeRange(r, off, size)
	if err != nil {
		return nil, err
	}
	end := off + size
	for i := range l.Partitions {
		p := &l.Partitions[i]
		if p.Container || p.Size <= 0 || p.Offset < off || p.Offset >= end {
			continue
		}
		p.Content, err = probeRange(r, p.Offset, min(p.Size, end-p.Offset))
		if err != nil {
			p.Problems = append(p.Problems, fmt.Sprintf("content cannot be read: %v", err))
		}
	}
	describeVerityPairs(l)
	return l, nil
}

func probeRange(r io.ReaderAt, off, size int64) (*Layer, error) {
	if off < 0 || size < 0 || off+size < off {
		return nil, fmt.Errorf("probe: offset %d, size %d: %w", off, size, ErrSize)
	}
	im := &image{r: r, base: off, size: size}
	var found []*Layer
	for _, look := range probers {
		if l := look(im); l != nil {
			found = append(found, l)
		}
	}
	if len(found) == 0 {
		if im.err != nil {
			return nil, fmt.Errorf("probe: reading the image: %w", im.err)
		}
		return unknown(im), nil
	}
	l := found[0]
	l.Also = append(l.Also, found[1:]...)
	if im.err != nil {
		l.problem("part of the image cannot be read: %v", im.err)
	}
	return l, nil
}

func (l *Layer) add(name string, value any) {
	l.Fields = append(l.Fields, Field{Name: name, Value: value})
}

func (l *Layer) problem(format string, args ...any) {
	l.Problems = append(l.Problems, fmt.Sprintf(format, args...))
}

func (l *Layer) openWith(format string, args ...any) {
	l.OpenWith = append(l.OpenWith, fmt.Sprintf(format, args...))
}

// outgrown records a layer that says it is larger than the image that holds it.
func (l *Layer) outgrown(im *image) {
	if l.Size > im.size {
		l.problem("it says it is %d bytes long, but only %d are here: the image is cut off", l.Size, im.size)
	}
}
