package luks

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/dmimg/dmimg/internal/hashes"
)

const (
	binarySize2 = 4096     // bytes of the binary header, before the JSON area
	minSize2    = 16 << 10 // bytes of binary header and JSON area
	maxSize2    = 4 << 20
	sumField2   = 448 // where the checksum is
	sumSize2    = 64
)

// Header2 is one copy of the header of LUKS2 (specification, section 2.1), big-endian on
// disk. The JSON area belongs to it.
type Header2 struct {
	Size             uint64 // bytes of binary header and JSON area
	SequenceID       uint64 // the higher, the newer; cryptsetup prints it as epoch
	Label, Subsystem string
	ChecksumHash     string // "sha256"
	Salt             [64]byte
	UUID             string
	Offset           uint64 // bytes: where this copy is; 0 is the first
	Metadata         *Metadata
	JSON             []byte // the text of the JSON area as it was read
}

// decodeBinary2 decodes and checks the first 4096 bytes of a copy that was read at off;
// nothing of the JSON area is looked at.
func decodeBinary2(b []byte, off int64) (*Header2, error) {
	magic := magic1
	if off != 0 {
		magic = magic2
	}
	switch {
	case len(b) < magicSize+2 || string(b[:magicSize]) != magic || binary.BigEndian.Uint16(b[magicSize:]) != 2:
		return nil, fmt.Errorf("magic or version: %w", ErrNotLUKS)
	case len(b) < binarySize2:
		return nil, bad("it is cut off after %d bytes", len(b))
	}
	h := &Header2{
		Size:         binary.BigEndian.Uint64(b[8:]),
		SequenceID:   binary.BigEndian.Uint64(b[16:]),
		Label:        text(b[24:72]),
		ChecksumHash: text(b[72:104]),
		Salt:         [64]byte(b[104:168]),
		UUID:         text(b[168:208]),
		Subsystem:    text(b[208:256]),
		Offset:       binary.BigEndian.Uint64(b[256:]),
	}
	switch {
	case h.Size < minSize2 || h.Size > maxSize2 || h.Size&(h.Size-1) != 0:
		return nil, bad("a size of %d bytes is none of the nine that exist", h.Size)
	case h.Offset != uint64(off):
		return nil, bad("it says that it is at byte %d", h.Offset)
	case off != 0 && h.Offset != h.Size:
		return nil, bad("it has %d bytes, so that it should be there too", h.Size)
	}
	return h, nil
}

// unmarshal2 decodes a whole copy that was read at off.
func unmarshal2(b []byte, off int64) (*Header2, error) {
	h, err := decodeBinary2(b, off)
	if err != nil {
		return nil, err
	}
	if uint64(len(b)) < h.Size {
		return nil, bad("it is cut off after %d of %d bytes", len(b), h.Size)
	}
	b = b[:h.Size]
	sum, err := checksum2(h.ChecksumHash, b)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(sum, b[sumField2:sumField2+len(sum)]) != 1 {
		return nil, bad("its %s checksum does not match", h.ChecksumHash)
	}
	if h.JSON, err = jsonText(b[binarySize2:]); err != nil {
		return nil, bad("JSON area: %w", err)
	}
	if h.Metadata, err = ParseMetadata(h.JSON, h.Size); err != nil {
		return nil, err
	}
	return h, nil
}

// MarshalBinary encodes the copy: h.Size bytes with the JSON of h.Metadata and a fresh
// checksum. Copies differ in Salt and Offset, which are the caller's to set.
func (h *Header2) MarshalBinary() ([]byte, error) {
	doc, err := h.Metadata.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return h.encode(doc)
}

// encode lays out the copy around a JSON text.
func (h *Header2) encode(doc []byte) ([]byte, error) {
	if h.Size < minSize2 || h.Size > maxSize2 || uint64(len(doc)) >= h.Size-binarySize2 {
		return nil, bad("a JSON text of %d bytes does not fit a header of %d", len(doc), h.Size)
	}
	b := make([]byte, h.Size)
	copy(b, magic1)
	if h.Offset != 0 {
		copy(b, magic2)
	}
	binary.BigEndian.PutUint16(b[magicSize:], 2)
	binary.BigEndian.PutUint64(b[8:], h.Size)
	binary.BigEndian.PutUint64(b[16:], h.SequenceID)
	for _, f := range []struct {
		off, size int
		text      string
	}{{24, 48, h.Label}, {72, 32, h.ChecksumHash}, {168, 40, h.UUID}, {208, 48, h.Subsystem}} {
		if err := putText(b[f.off:f.off+f.size], f.text); err != nil {
			return nil, bad("%w", err)
		}
	}
	copy(b[104:], h.Salt[:])
	binary.BigEndian.PutUint64(b[256:], h.Offset)
	copy(b[binarySize2:], doc)
	sum, err := checksum2(h.ChecksumHash, b)
	if err != nil {
		return nil, err
	}
	copy(b[sumField2:], sum)
	return b, nil
}

// checksum2 is the digest of a whole copy with its checksum taken for zeros.
func checksum2(name string, b []byte) ([]byte, error) {
	a, err := hashes.Lookup(name)
	if err != nil || a.Size > sumSize2 || a.Size < 16 {
		return nil, bad("its checksum algorithm %q is not known", name)
	}
	d := a.New()
	d.Write(b[:sumField2])
	d.Write(make([]byte, sumSize2))
	d.Write(b[sumField2+sumSize2:])
	return d.Sum(nil), nil
}
