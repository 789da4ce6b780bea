package luks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Header is a header that was read: of LUKS1, or the better copy of LUKS2's two. Its
// methods only read, and may be called concurrently.
type Header struct {
	Version int      // 1 or 2
	V1      *Header1 // nil with version 2
	V2      *Header2 // nil with version 1

	// Problems are what is wrong with the header but did not keep it from being used, such
	// as a damaged second copy; each a sentence for people.
	Problems []string

	source  io.ReaderAt // where the key slots are
	damaged [2]error    // of LUKS2: why a copy was not used; nil if it is valid
}

// Read reads the header at byte 0 of r, the image or the file of a detached header. When
// the first copy of a LUKS2 header is damaged the second is looked for at each of the nine
// places where it can be; nothing is repaired. The header keeps r, to read key slots from;
// r stays the caller's. Errors wrap [ErrNotLUKS] or [ErrHeader], or are those of r.
func Read(r io.ReaderAt) (*Header, error) {
	head, err := readSome(r, 0, binarySize2)
	if err != nil {
		return nil, fmt.Errorf("luks: reading the header: %w", err)
	}
	h := &Header{source: r}
	if len(head) > magicSize+1 && string(head[:magicSize]) == magic1 {
		switch v := binary.BigEndian.Uint16(head[magicSize:]); v {
		case 1:
			h.Version, h.V1 = 1, new(Header1)
			if err := h.V1.UnmarshalBinary(head); err != nil {
				return nil, fmt.Errorf("luks: reading the header: %w", err)
			}
			h.note1()
			return h, nil
		case 2:
		default:
			return nil, fmt.Errorf("luks: reading the header: version %d: %w", v, ErrUnsupported)
		}
	}
	h.Version = 2
	if err := h.read2(r, head); err != nil {
		return nil, fmt.Errorf("luks: reading the header: %w", err)
	}
	return h, nil
}

// note1 notes what an old header may be like.
func (h *Header) note1() {
	if h.V1.PayloadOffset == 0 {
		return
	}
	payload := int64(h.V1.PayloadOffset) * SectorSize
	for i, s := range h.V1.Slots {
		if s.Active && int64(s.Offset)*SectorSize+h.V1.areaSize() > payload {
			h.Problems = append(h.Problems, fmt.Sprintf("the key material of slot %d goes past the payload offset: this can only be a detached header", i))
		}
	}
}

// read2 reads both copies and takes the newer one.
func (h *Header) read2(r io.ReaderAt, head []byte) error {
	first, err1 := readCopy(r, head, 0)
	var second *Header2
	var err2 error
	if first != nil {
		second, err2 = readCopy(r, nil, int64(first.Size))
	} else {
		second, err2 = findSecond(r)
	}
	h.damaged = [2]error{err1, err2}
	var notLUKS bool
	if first == nil && second == nil {
		notLUKS = errors.Is(err1, ErrNotLUKS) && errors.Is(err2, ErrNotLUKS)
	}
	switch {
	case notLUKS:
		return fmt.Errorf("neither copy has its magic: %w", ErrNotLUKS)
	case first == nil && second == nil:
		return bad("neither copy is valid: first: %w; second: %w", err1, err2)
	case first == nil:
		h.V2 = second
		h.note("the first copy of the header is damaged (%v); the second, at byte %d, is used", err1, second.Offset)
	case second == nil:
		h.V2 = first
		h.note("the second copy of the header is damaged (%v); the first is used", err2)
	case second.SequenceID > first.SequenceID:
		h.V2 = second
		h.note("the first copy of the header is older (epoch %d, the second has %d); the second is used", first.SequenceID, second.SequenceID)
	default:
		h.V2 = first
		if second.SequenceID != first.SequenceID {
			h.note("the second copy of the header is older (epoch %d, the first has %d); the first is used", second.SequenceID, first.SequenceID)
		} else if !bytes.Equal(first.JSON, second.JSON) {
			h.note("the copies of the header have the same epoch %d and differ; the first is used", first.SequenceID)
		}
	}
	return nil
}

func (h *Header) note(format string, args ...any) {
	h.Problems = append(h.Problems, fmt.Sprintf(format, args...))
}

// readCopy reads the copy at off, whose first 4096 bytes may be there already.
func readCopy(r io.ReaderAt, head []byte, off int64) (*Header2, error) {
	if head == nil {
		var err error
		if head, err = readSome(r, off, binarySize2); err != nil {
			return nil, err
		}
	}
	h, err := decodeBinary2(head, off)
	if err != nil {
		return nil, err
	}
	whole, err := readSome(r, off, int(h.Size))
	if err != nil {
		return nil, err
	}
	return unmarshal2(whole, off)
}

// findSecond looks for a second copy at the nine places that the sizes of the first allow.
func findSecond(r io.ReaderAt) (*Header2, error) {
	var found error
	for off := int64(minSize2); off <= maxSize2; off *= 2 {
		h, err := readCopy(r, nil, off)
		if err == nil {
			return h, nil
		}
		if found == nil && !errors.Is(err, ErrNotLUKS) {
			found = err
		}
	}
	if found == nil {
		return nil, fmt.Errorf("none of the nine places has one: %w", ErrNotLUKS)
	}
	return nil, found
}

// readSome reads n bytes at off, or as many as there are.
func readSome(r io.ReaderAt, off int64, n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := r.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:got], nil
}

// UUID is the volume's, as the header has it.
func (h *Header) UUID() string {
	if h.Version == 1 {
		return h.V1.UUID
	}
	return h.V2.UUID
}

// maxSlots1 bounds where slots of LUKS1 that are not in use count as part of its header,
// in bytes: they may say anything.
const maxSlots1 = 128 << 20

// AreaSize is how many bytes from the start on belong to the header: both copies and the
// area of the key slots. It is what a backup of the header has.
func (h *Header) AreaSize() int64 {
	if h.Version == 2 {
		return int64(2*h.V2.Size) + int64(h.V2.Metadata.Config.KeyslotsSize)
	}
	end := int64(size1)
	size := (h.V1.areaSize() + areaAlignment - 1) / areaAlignment * areaAlignment
	for _, s := range h.V1.Slots {
		if to := int64(s.Offset)*SectorSize + size; s.Active || to <= maxSlots1 {
			end = max(end, to)
		}
	}
	return end
}
