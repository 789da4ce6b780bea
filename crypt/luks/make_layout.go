package luks

import (
	"errors"
	"fmt"
	"math"
)

// layout is where the parts of a new header are, in bytes.
type layout struct {
	metadata int64 // of one copy of LUKS2
	keyslots int64 // of the area for key slots of LUKS2
	end      int64 // of the header with its key slots
	data     int64 // where the data begins
	sector   int   // of encryption
}

// layout places the parts; size is that of the device with the data, -1 if it is not known.
func (o *FormatOptions) layout(size int64) (l layout, err error) {
	if err := o.checkOffsets(); err != nil {
		return l, err
	}
	if o.Version == 1 {
		l, err = o.layout1()
	} else {
		l, err = o.layout2()
	}
	if err != nil {
		return l, err
	}
	if l.sector, err = o.sector(l.data, size); err != nil {
		return l, err
	}
	if size >= 0 && size-l.data < int64(l.sector) {
		return l, fmt.Errorf("the device of %d bytes ends before a sector of data at byte %d: %w", size, l.data, ErrNoRoom)
	}
	return l, nil
}

func (o *FormatOptions) checkOffsets() error {
	switch {
	case o.DataOffset < 0 || o.DataOffset%areaAlignment != 0:
		return option("data offset %d: want a multiple of %d", o.DataOffset, areaAlignment)
	case o.DataOffset > 0 && !o.DataOffsetSet:
		return option("data offset %d, which is said to be not set", o.DataOffset)
	case o.Alignment < 0 || o.Alignment%SectorSize != 0:
		return option("alignment %d: want a multiple of %d", o.Alignment, SectorSize)
	case max(o.DataOffset, o.Alignment) > math.MaxInt64/4:
		return option("data offset %d or alignment %d is beyond any device", o.DataOffset, o.Alignment)
	}
	return nil
}

// given is where the data has to begin; 0: that is open. cryptsetup takes the alignment of
// a detached header for the offset.
func (o *FormatOptions) given() int64 {
	if o.DataOffset == 0 && o.Detached {
		return o.Alignment
	}
	return o.DataOffset
}

// behind is where data begins that goes behind a header which ends at end.
func (o *FormatOptions) behind(end int64) int64 {
	switch {
	case o.Detached:
		return 0
	case o.Alignment == 0:
		return roundUp(end, defaultAlignment)
	}
	return roundUp(end, o.Alignment)
}

func (o *FormatOptions) layout1() (l layout, err error) {
	if o.MetadataSize != 0 || o.KeyslotsSize != 0 {
		return l, option("the header of LUKS1 has no sizes to choose")
	}
	l.end = int64(slotOffset1(slots1, o.KeySize)) * SectorSize
	if l.data = o.given(); l.data == 0 {
		l.data = o.behind(l.end)
	} else if l.data < l.end {
		return l, option("data offset %d: the header has %d bytes", l.data, l.end)
	}
	if l.data/SectorSize > math.MaxUint32 {
		return l, option("data offset %d: LUKS1 has at most %d", l.data, int64(math.MaxUint32)*SectorSize)
	}
	return l, nil
}

func (o *FormatOptions) layout2() (l layout, err error) {
	if l.metadata = o.MetadataSize; l.metadata == 0 {
		l.metadata = minSize2
	}
	l.keyslots = o.KeyslotsSize
	switch {
	case l.metadata < minSize2 || l.metadata > maxSize2 || l.metadata&(l.metadata-1) != 0:
		return l, option("metadata size %d: want a power of two from %d to %d", l.metadata, minSize2, maxSize2)
	case l.keyslots < 0 || l.keyslots > maxKeyslots || l.keyslots%areaAlignment != 0:
		return l, option("keyslots size %d: want a multiple of %d, at most %d", l.keyslots, areaAlignment, maxKeyslots)
	}
	copies := 2 * l.metadata
	if l.data = o.given(); l.data == 0 {
		if l.keyslots == 0 {
			l.keyslots = defaultHeader - copies
		}
		l.end = copies + l.keyslots
		l.data = o.behind(l.end)
		return l, nil
	}
	room := (l.data - copies) / areaAlignment * areaAlignment
	if l.keyslots == 0 {
		l.keyslots = min(max(room, 0), maxKeyslots)
	}
	if room < l.keyslots || room <= 0 {
		return l, option("data offset %d: two copies of the header and the keyslots area have %d bytes", l.data, copies+l.keyslots)
	}
	l.end = copies + l.keyslots
	return l, nil
}

// sector is the size of sectors for data of a device of size bytes, -1 if that is not known.
func (o *FormatOptions) sector(data, size int64) (int, error) {
	switch n := int64(o.SectorSize); {
	case o.Version == 1 && n != 0 && n != SectorSize:
		return 0, option("sector size %d: LUKS1 has %d only", n, SectorSize)
	case o.Version == 1:
		return SectorSize, nil
	case n == 0:
		return o.usualSector(size), nil
	case n < SectorSize || n > largestSector || n&(n-1) != 0:
		return 0, option("sector size %d: want 512, 1024, 2048 or 4096", n)
	case data%n != 0:
		return 0, option("data offset %d is not a multiple of the sector size %d", data, n)
	case size >= 0 && size%n != 0:
		return 0, option("the device of %d bytes is not a multiple of the sector size %d", size, n)
	}
	return o.SectorSize, o.tryDataCipher(o.SectorSize)
}

// usualSector is cryptsetup's choice. It demands an offset of a multiple of 2 MiB, since it
// divides 512-byte sectors by 4096; an alignment is compared in bytes.
func (o *FormatOptions) usualSector(size int64) int {
	offset := o.given()
	switch {
	case size < 0 || size%largestSector != 0:
	case offset%(largestSector*SectorSize) != 0 || offset == 0 && o.Alignment%largestSector != 0:
	case errors.Is(o.tryDataCipher(largestSector), ErrOption):
	default:
		return largestSector
	}
	return SectorSize
}
