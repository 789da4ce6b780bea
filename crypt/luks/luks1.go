package luks

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// SectorSize is the unit of LUKS1's offsets in bytes, and the smallest one anywhere.
const SectorSize = 512

const (
	magic1    = "LUKS\xba\xbe" // of LUKS1, and of the first copy of LUKS2
	magic2    = "SKUL\xba\xbe" // of the second copy of LUKS2
	magicSize = 6

	size1       = 592 // bytes of a LUKS1 header
	slots1      = 8
	slot1Size   = 48
	firstSlot1  = 208
	slotActive1 = 0x00ac71f3
	slotFree1   = 0x0000dead

	stripes = 4000 // of the anti-forensic splitter; the formats know no other number
	maxKey1 = 512  // bytes; the largest key of any cipher is far below
	digest1 = 20
	salt1   = 32
)

// Header1 is the header of LUKS1 (specification, figure 1), big-endian on disk.
type Header1 struct {
	Cipher, Mode, Hash string // "aes", "xts-plain64", "sha256"
	PayloadOffset      uint32 // 512-byte sectors; on the data device, if that is another one
	KeySize            uint32 // bytes of the volume key
	Digest             [digest1]byte
	DigestSalt         [salt1]byte
	DigestIterations   uint32
	UUID               string
	Slots              [slots1]Slot1
}

// Slot1 is a key slot of LUKS1.
type Slot1 struct {
	Active     bool
	Iterations uint32
	Salt       [salt1]byte
	Offset     uint32 // of the key material, 512-byte sectors
	Stripes    uint32
}

// UnmarshalBinary decodes and checks the first 592 bytes of b. Errors wrap
// [ErrNotLUKS] or [ErrHeader]. A header that is there and fails its checks is in h all the
// same, for a report on what is wrong with it.
func (h *Header1) UnmarshalBinary(b []byte) error {
	switch {
	case len(b) < magicSize+2 || string(b[:magicSize]) != magic1 || binary.BigEndian.Uint16(b[magicSize:]) != 1:
		return fmt.Errorf("LUKS1: magic or version: %w", ErrNotLUKS)
	case len(b) < size1:
		return bad("LUKS1: %d bytes, the header has %d", len(b), size1)
	}
	*h = Header1{
		Cipher: text(b[8:40]), Mode: text(b[40:72]), Hash: text(b[72:104]),
		PayloadOffset:    binary.BigEndian.Uint32(b[104:]),
		KeySize:          binary.BigEndian.Uint32(b[108:]),
		Digest:           [digest1]byte(b[112:132]),
		DigestSalt:       [salt1]byte(b[132:164]),
		DigestIterations: binary.BigEndian.Uint32(b[164:]),
		UUID:             text(b[168:208]),
	}
	var err error
	for i := range h.Slots {
		if e := h.Slots[i].decode(b[firstSlot1+i*slot1Size:]); e != nil && err == nil {
			err = fmt.Errorf("key slot %d: %w", i, e)
		}
	}
	if err == nil {
		err = h.check()
	}
	if err != nil {
		return bad("LUKS1: %w", err)
	}
	return nil
}

func (s *Slot1) decode(b []byte) error {
	state := binary.BigEndian.Uint32(b)
	*s = Slot1{
		Active:     state == slotActive1,
		Iterations: binary.BigEndian.Uint32(b[4:]),
		Salt:       [salt1]byte(b[8:40]),
		Offset:     binary.BigEndian.Uint32(b[40:]),
		Stripes:    binary.BigEndian.Uint32(b[44:]),
	}
	if !s.Active && state != slotFree1 {
		return fmt.Errorf("it is neither in use nor free (state 0x%08x)", state)
	}
	return nil
}

// MarshalBinary encodes the 592 bytes. They are those that were decoded, except for
// bytes behind the NUL that ends a text, which are zeros.
func (h *Header1) MarshalBinary() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, bad("LUKS1: %w", err)
	}
	b := make([]byte, size1)
	copy(b, magic1)
	binary.BigEndian.PutUint16(b[magicSize:], 1)
	for _, f := range []struct {
		off, size int
		text      string
	}{{8, 32, h.Cipher}, {40, 32, h.Mode}, {72, 32, h.Hash}, {168, 40, h.UUID}} {
		if err := putText(b[f.off:f.off+f.size], f.text); err != nil {
			return nil, bad("LUKS1: %w", err)
		}
	}
	binary.BigEndian.PutUint32(b[104:], h.PayloadOffset)
	binary.BigEndian.PutUint32(b[108:], h.KeySize)
	copy(b[112:], h.Digest[:])
	copy(b[132:], h.DigestSalt[:])
	binary.BigEndian.PutUint32(b[164:], h.DigestIterations)
	for i, s := range h.Slots {
		s.encode(b[firstSlot1+i*slot1Size:])
	}
	return b, nil
}

func (s Slot1) encode(b []byte) {
	state := uint32(slotFree1)
	if s.Active {
		state = slotActive1
	}
	binary.BigEndian.PutUint32(b, state)
	binary.BigEndian.PutUint32(b[4:], s.Iterations)
	copy(b[8:], s.Salt[:])
	binary.BigEndian.PutUint32(b[40:], s.Offset)
	binary.BigEndian.PutUint32(b[44:], s.Stripes)
}

// check refuses what contradicts the format.
func (h *Header1) check() error {
	switch {
	case h.Cipher == "" || h.Mode == "" || h.Hash == "":
		return fmt.Errorf("it names no cipher, mode or hash")
	case h.KeySize == 0 || h.KeySize > maxKey1:
		return fmt.Errorf("a key of %d bytes: want 1 to %d", h.KeySize, maxKey1)
	case h.DigestIterations == 0:
		return fmt.Errorf("the digest has no iterations")
	}
	var areas []area
	for i, s := range h.Slots {
		if !s.Active {
			continue
		}
		a := area{int64(s.Offset) * SectorSize, h.areaSize()}
		switch {
		case s.Stripes != stripes:
			return fmt.Errorf("key slot %d: %d stripes: want %d", i, s.Stripes, stripes)
		case s.Iterations == 0:
			return fmt.Errorf("key slot %d: no iterations", i)
		case a.offset < size1:
			return fmt.Errorf("key slot %d: its key material at byte %d lies inside the header", i, a.offset)
		}
		areas = append(areas, a)
	}
	return disjoint(areas)
}

// areaSize is the room of a slot's key material in bytes.
func (h *Header1) areaSize() int64 { return int64(h.KeySize) * stripes }

// area is a run of bytes.
type area struct{ offset, size int64 }

// disjoint refuses areas that share bytes.
func disjoint(areas []area) error {
	slices.SortFunc(areas, func(a, b area) int {
		if a.offset < b.offset {
			return -1
		}
		return 1
	})
	for i := 1; i < len(areas); i++ {
		if before := areas[i-1]; areas[i].offset-before.offset < before.size {
			return fmt.Errorf("two key slots overlap at byte %d", areas[i].offset)
		}
	}
	return nil
}

// text is a string that ends at a NUL or with its field.
func text(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}

// putText writes a string with a NUL behind it.
func putText(field []byte, s string) error {
	if len(s) >= len(field) {
		return fmt.Errorf("a text of %d bytes does not fit a field of %d", len(s), len(field))
	}
	if bytes.IndexByte([]byte(s), 0) >= 0 {
		return fmt.Errorf("a text holds a NUL")
	}
	copy(field, s)
	return nil
}
