package luks

import (
	"bytes"
	"encoding/binary"
	"io"
)

// restoreSteps replace there, nil if no valid header is there, by h and its key slots. The
// slots come first where both headers have them at the same place, so that the header
// names no slot that is not there yet; elsewhere they would overwrite the header that is
// still needed, and come last.
func (h *Header) restoreSteps(s Storage, there *Header, backup *io.SectionReader) ([]step, error) {
	slots := step{what: "writing the key slots", off: h.slotsStart()}
	if h.Version == 1 {
		slots.off = headRoom1
	}
	slots.from = io.NewSectionReader(backup, slots.off, h.slotsEnd()-slots.off)
	var steps []step
	size, err := s.Size()
	if err != nil {
		return nil, err
	}
	if end := h.slotsEnd(); size < end { // a file that can grow does it now; a device that is too small says so
		steps = append(steps, step{what: "making room for the key slots", off: end - 1, b: []byte{0}})
	}
	header, err := h.restoreHeader(there, backup)
	if err != nil {
		return nil, err
	}
	if there == nil || there.Version == h.Version && there.slotsStart() == h.slotsStart() {
		return append(append(steps, slots), header...), nil
	}
	return append(append(steps, header...), slots), nil
}

// restoreHeader writes the header alone.
func (h *Header) restoreHeader(there *Header, backup *io.SectionReader) ([]step, error) {
	if h.Version == 2 {
		return h.restoreHeader2(there, backup)
	}
	head := make([]byte, headRoom1)
	if _, err := backup.ReadAt(head, 0); err != nil {
		return nil, err
	}
	whole := step{what: "writing the header", b: head}
	second := step{what: "writing the header", b: head[SectorSize:], off: SectorSize}
	switch {
	case there == nil:
		return []step{whole}, nil
	case there.Version == 2: // the first copy is not valid any more, the second is until sector 0 is another
		return []step{second, whole}, nil
	}
	old := make([]byte, size1)
	if _, err := there.source.ReadAt(old, 0); err != nil {
		return nil, err
	}
	return append(stepAside(old, head), second, whole), nil
}

// stepAside makes a header of LUKS1 so that the second sector of the next one fits it:
// without the slots that would not be valid then.
func stepAside(old, next []byte) []step {
	const state6 = firstSlot1 + 6*slot1Size
	b := bytes.Clone(old[:SectorSize])
	free := func(slot int) { binary.BigEndian.PutUint32(b[firstSlot1+slot*slot1Size:], slotFree1) }
	if !bytes.Equal(old[state6:], next[state6:size1]) {
		free(6)
	}
	mixed := append(bytes.Clone(b), next[SectorSize:size1]...)
	if new(Header1).UnmarshalBinary(mixed) != nil {
		for slot := range slots1 - 1 {
			free(slot)
		}
	}
	if bytes.Equal(b, old[:SectorSize]) {
		return nil
	}
	return []step{{what: "writing the header", b: b}}
}

// restoreHeader2 writes the copies of the backup, or what they should be.
func (h *Header) restoreHeader2(there *Header, backup *io.SectionReader) ([]step, error) {
	var copies [2]step
	for i := range copies {
		var err error
		off := int64(i) * int64(h.V2.Size)
		if c, bad := readCopy(backup, nil, off); bad == nil && c.sameText(h.V2) {
			copies[i] = step{off: off, b: make([]byte, h.V2.Size)}
			_, err = backup.ReadAt(copies[i].b, off)
		} else {
			c := *h.V2
			copies[i], err = c.copyStep(uint64(i))
		}
		if err != nil {
			return nil, err
		}
	}
	copies[0].what, copies[1].what = "writing the first copy of the header", "writing the second copy of the header"
	switch {
	case there != nil && there.Version == 1: // which is valid until the first sector is of LUKS2, and then the second copy
		first := step{what: copies[0].what, b: copies[0].b[:SectorSize]}
		return []step{copies[1], first, copies[0]}, nil
	case there != nil && there.V2.Offset != 0 && there.V2.Size == h.V2.Size:
		return []step{copies[0], copies[1]}, nil
	}
	return []step{copies[1], copies[0]}, nil
}

// sameText reports whether two copies say the same.
func (h *Header2) sameText(other *Header2) bool {
	return h.SequenceID == other.SequenceID && h.Size == other.Size && h.UUID == other.UUID && h.Label == other.Label &&
		h.Subsystem == other.Subsystem && h.ChecksumHash == other.ChecksumHash && bytes.Equal(h.JSON, other.JSON)
}
