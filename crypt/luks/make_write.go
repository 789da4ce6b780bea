package luks

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// erasure is a range to be filled with zeros or, where key slots go, random bytes.
type erasure struct {
	area
	random bool
}

// write erases what was there and writes the header, its slot first.
func (o *FormatOptions) write(ctx context.Context, s Storage, h *Header, n *newSlot, l layout) error {
	copies, err := o.copies(h)
	if err != nil {
		return err
	}
	old, err := o.leftovers(s, l.data)
	if err != nil {
		return err
	}
	first := area{0, areaAlignment}
	if h.Version == 2 {
		first.size = 2 * l.metadata
	}
	if err := o.erase(ctx, s, append([]erasure{{area: first}}, old...)); err != nil {
		return fmt.Errorf("erasing what was there: %w", err)
	}
	if err := o.erase(ctx, s, o.slotAreas(h, l)); err != nil {
		return fmt.Errorf("filling the key slots: %w", err)
	}
	if _, err := s.WriteAt(n.area, n.offset); err != nil {
		return fmt.Errorf("writing key slot %d: %w", n.id, err)
	}
	if err := s.Sync(); err != nil {
		return fmt.Errorf("writing key slot %d: %w", n.id, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, c := range copies {
		if _, err := s.WriteAt(c.b, c.offset); err != nil {
			return fmt.Errorf("writing the header at byte %d: %w", c.offset, err)
		}
		if err := s.Sync(); err != nil {
			return fmt.Errorf("writing the header at byte %d: %w", c.offset, err)
		}
	}
	return nil
}

// headerCopy is one copy of a header as bytes.
type headerCopy struct {
	offset int64
	b      []byte
}

// copies encodes the header; with LUKS2 the second copy comes first. What could not be read
// again is refused.
func (o *FormatOptions) copies(h *Header) ([]headerCopy, error) {
	if h.Version == 1 {
		b, err := h.V1.MarshalBinary()
		if err != nil {
			return nil, err
		}
		return []headerCopy{{0, b}}, new(Header1).UnmarshalBinary(b)
	}
	var list []headerCopy
	for _, offset := range []uint64{h.V2.Size, 0} {
		h.V2.Offset = offset
		if err := fill(o.Rand, h.V2.Salt[:]); err != nil {
			return nil, err
		}
		b, err := h.V2.MarshalBinary()
		if err != nil {
			return nil, err
		}
		if _, err := unmarshal2(b, int64(offset)); err != nil {
			return nil, err
		}
		list = append(list, headerCopy{int64(offset), b})
	}
	return list, nil
}

// slotAreas are the places of key slots, used and free, and what is left between them and
// up to the data.
func (o *FormatOptions) slotAreas(h *Header, l layout) (list []erasure) {
	if h.Version == 1 {
		size := h.V1.areaSize()
		for i := range h.V1.Slots {
			from, to := int64(slotOffset1(i, o.KeySize))*SectorSize, int64(slotOffset1(i+1, o.KeySize))*SectorSize
			list = append(list, erasure{area{from, size}, true}, erasure{area: area{from + size, to - from - size}})
		}
	} else {
		list = append(list, erasure{area{2 * l.metadata, l.keyslots}, true})
	}
	if !o.Detached && (h.Version == 2 || o.DataOffset == 0) { // as cryptsetup
		list = append(list, erasure{area: area{l.end, l.data - l.end}})
	}
	return list
}

// erase fills the ranges and waits until that is safe.
func (o *FormatOptions) erase(ctx context.Context, s Storage, list []erasure) error {
	const piece = 1 << 20
	b := make([]byte, piece)
	for _, e := range list {
		for done := int64(0); done < e.size; done += piece {
			if err := ctx.Err(); err != nil {
				return err
			}
			p := b[:min(piece, e.size-done)]
			clear(p)
			if e.random {
				if err := fill(o.Rand, p); err != nil {
					return err
				}
			}
			if _, err := s.WriteAt(p, e.offset+done); err != nil {
				return err
			}
		}
	}
	return s.Sync()
}

// leftovers are second copies of old headers of LUKS2, wherever they can be, and what other
// formats have at the end of a device, since programs find those without the beginning.
func (o *FormatOptions) leftovers(s Storage, data int64) (list []erasure, err error) {
	for at := int64(minSize2); at <= maxSize2; at *= 2 {
		head, err := readSome(s, at, binarySize2)
		if err != nil {
			return nil, err
		}
		if _, err := decodeBinary2(head, at); !errors.Is(err, ErrNotLUKS) {
			list = append(list, erasure{area: area{at, binarySize2}})
		}
	}
	if o.Detached {
		return list, nil
	}
	size, err := s.Size()
	if err != nil {
		return nil, err
	}
	for _, f := range foreign {
		at := f.at(size)
		if at < data { // it is erased as all there
			continue
		}
		b := make([]byte, len(f.magic))
		if _, err := s.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if string(b) == f.magic {
			list = append(list, erasure{area: area{at, int64(len(b))}})
		}
	}
	return list, nil
}

// foreign are the marks at the end of a device of so many bytes by which other formats are
// known: the second header of a GUID partition table (UEFI 2.10, section 5.3) and the
// superblocks of Linux RAID (md(4): 0.90 in the last whole 64 KiB, 1.0 8 KiB before the end).
var foreign = []struct {
	magic string
	at    func(size int64) int64 // negative: nowhere
}{
	{"EFI PART", func(size int64) int64 { return size - 512 }},
	{"EFI PART", func(size int64) int64 { return size - 4096 }},
	{"\xfc\x4e\x2b\xa9", func(size int64) int64 { return size/65536*65536 - 65536 }},
	{"\xa9\x2b\x4e\xfc", func(size int64) int64 { return size/65536*65536 - 65536 }},
	{"\xfc\x4e\x2b\xa9", func(size int64) int64 { return (size - 8192) / 4096 * 4096 }},
}
