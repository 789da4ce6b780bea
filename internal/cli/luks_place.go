package cli

import (
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume/probe"
)

// luksPlace says where a LUKS image is.
type luksPlace struct {
	image     string // the file; "" if none is meant
	header    string // file of a detached header; "" if it is in the image
	partition int    // of image; 0: none
	offset    int64  // bytes: where it begins in image, without a partition
}

// luksPlaceFlags are the flags of every verb that reads a LUKS image.
func luksPlaceFlags() []urfave.Flag {
	return []urfave.Flag{
		headerFlag(),
		&urfave.IntFlag{Name: "partition", Usage: "IMAGE is a whole disk, and it is partition `N` of it (GPT or MBR)"},
		ui.SizeFlag("image-offset", "it begins at `BYTES` of IMAGE, a multiple of 512"),
	}
}

func luksPlaceOf(c *urfave.Context, image string) (luksPlace, error) {
	p := luksPlace{image: image, header: c.String("header"), partition: c.Int("partition"), offset: ui.SizeOf(c, "image-offset", 0)}
	switch {
	case c.IsSet("partition") && p.partition < 1:
		return p, ui.Usagef("--partition %d: they count from 1", p.partition)
	case c.IsSet("partition") && c.IsSet("image-offset"):
		return p, ui.Usagef("--partition and --image-offset exclude each other")
	case p.offset%512 != 0:
		return p, ui.Usagef("--image-offset %d: not a multiple of 512", p.offset)
	}
	return p, nil
}

// String is the place in words.
func (p luksPlace) String() string {
	switch {
	case p.partition > 0:
		return fmt.Sprintf("partition %d of %s", p.partition, p.image)
	case p.offset > 0:
		return fmt.Sprintf("%s from byte %d on", p.image, p.offset)
	}
	return p.image
}

// isPart reports whether the image is in a larger one.
func (p luksPlace) isPart() bool { return p.partition > 0 || p.offset > 0 }

// within finds the place in a file of size bytes: it begins at start and ends at end.
func (p luksPlace) within(s ui.Streams, data io.ReaderAt, size int64) (start, end int64, err error) {
	if p.partition > 0 {
		return p.findPartition(s, data, size)
	}
	if p.offset > 0 && p.offset >= size {
		return 0, 0, ui.Failf("--image-offset %d is past the end: %s has %s", p.offset, p.image, ui.FormatSize(size))
	}
	return p.offset, size, nil
}

// findPartition looks the partition up in the table of the disk.
func (p luksPlace) findPartition(s ui.Streams, data io.ReaderAt, size int64) (start, end int64, err error) {
	l, err := probe.Probe(data, size)
	if err != nil {
		return 0, 0, ui.Failf("%s: %w", p.image, err)
	}
	table := partitionTable(l)
	if table == nil {
		return 0, 0, ui.Hint(ui.Failf("--partition %d: %s has no partition table (%s)", p.partition, p.image, l.Description),
			"--image-offset says where the LUKS image begins, if not at byte 0")
	}
	var numbers []string
	for _, part := range table.Partitions {
		if part.Container {
			continue
		}
		numbers = append(numbers, fmt.Sprint(part.Number))
		if part.Number != p.partition {
			continue
		}
		if part.Offset >= size || part.Size <= 0 {
			return 0, 0, ui.Failf("%s begins at byte %d, the image has %s: it is cut off", p, part.Offset, ui.FormatSize(size))
		}
		if part.Size > size-part.Offset {
			ui.Warnf(s.Err, "%s is cut off: it has %d bytes, of which %d are there", p, part.Size, size-part.Offset)
		}
		return part.Offset, part.Offset + min(part.Size, size-part.Offset), nil
	}
	return 0, 0, ui.Hint(ui.Failf("%s: there is no such partition", p), "these are there: %s", strings.Join(numbers, ", "))
}

// partitionTable is the layer that has partitions, nil if there is none.
func partitionTable(l *probe.Layer) *probe.Layer {
	for _, found := range append([]*probe.Layer{l}, l.Also...) {
		if len(found.Partitions) > 0 {
			return found
		}
	}
	return nil
}

// notLUKS is the hint for an image that has no header where one was looked for: on a disk
// it names the partitions with one.
func (p luksPlace) notLUKS(data io.ReaderAt, size int64) string {
	const hint = `"dmimg inspect" says what it is; --header FILE names a detached header`
	if p.isPart() || p.header != "" {
		return hint
	}
	l, err := probe.Inspect(data, 0, size)
	if err != nil {
		return hint
	}
	var found []string
	if table := partitionTable(l); table != nil {
		for _, part := range table.Partitions {
			if c := part.Content; c != nil && (c.Kind == "luks1" || c.Kind == "luks2") {
				found = append(found, fmt.Sprint(part.Number))
			}
		}
	}
	switch len(found) {
	case 0:
		return hint
	case 1:
		return fmt.Sprintf("it is a disk with LUKS in a partition: --partition %s", found[0])
	}
	return fmt.Sprintf("it is a disk with LUKS in partitions %s: --partition says which", strings.Join(found, ", "))
}
