package luks

import (
	"context"
	"fmt"
	"math"
)

// Format writes a new header with one key slot, which pass opens, and returns its volume
// key. Everything is computed first; then what an old header and other formats have left is
// erased, the key slots are filled with random bytes, and the copies of the new header come
// last, so that it is never valid with less than its slot. Nothing of the data is written:
// with a VolumeKey, and the layout of a header that was lost, the data is there again.
//
// Errors wrap [ErrOption], [ErrNoRoom], [ErrUnsupported] or [ErrCostly], then nothing was
// written; or are those of s or ctx, then the image may have no header any more.
func Format(ctx context.Context, s Storage, pass []byte, o FormatOptions) (*Key, error) {
	key, err := format(ctx, s, pass, o)
	if err != nil {
		return nil, fmt.Errorf("luks: formatting: %w", err)
	}
	return key, nil
}

func format(ctx context.Context, s Storage, pass []byte, o FormatOptions) (*Key, error) {
	o, err := o.settled()
	if err != nil {
		return nil, err
	}
	size, err := o.dataSize(s)
	if err != nil {
		return nil, err
	}
	l, err := o.layout(size)
	if err != nil {
		return nil, err
	}
	key, err := o.volumeKey()
	if err != nil {
		return nil, err
	}
	h, n, err := o.header(ctx, l, key.b, pass)
	if err == nil {
		err = o.write(ctx, s, h, n, l)
	}
	if err != nil {
		key.wipe()
		return nil, err
	}
	return &Key{Slot: n.id, Segments: IDs{0}, secret: key}, nil
}

// dataSize is how large the device with the data is, -1 if that is not known.
func (o *FormatOptions) dataSize(s Storage) (int64, error) {
	switch {
	case o.DataSize < 0 || o.DataSize == 0 && o.Detached:
		return -1, nil
	case o.DataSize > 0:
		return o.DataSize, nil
	}
	return s.Size()
}

// volumeKey is the one given, or a random one.
func (o *FormatOptions) volumeKey() (*secret, error) {
	if o.VolumeKey != nil {
		return copySecret(o.VolumeKey), nil
	}
	key := newSecret(o.KeySize)
	if err := fill(o.Rand, key.b); err != nil {
		key.wipe()
		return nil, err
	}
	return key, nil
}

// header makes the header with its first slot.
func (o *FormatOptions) header(ctx context.Context, l layout, key, pass []byte) (*Header, *newSlot, error) {
	size := digest1
	if o.Version == 2 {
		a, err := lookupHash(o.Hash)
		if err != nil {
			return nil, nil, err
		}
		size = a.Size
	}
	iterations := int64(0) // as many as a measurement says, unless costs are given
	if o.Slot.Cost.Iterations != 0 {
		iterations = minIterations
	}
	d, err := newDigest(ctx, key, o.Hash, size, iterations, o.Rand)
	if err != nil {
		return nil, nil, err
	}
	h := &Header{Version: o.Version}
	if o.Version == 1 {
		h.V1 = o.header1(l, d)
	} else {
		h.V2 = o.header2(l, d)
	}
	n, err := h.makeSlot(ctx, key, pass, o.Slot, o.Rand)
	if err != nil {
		return nil, nil, err
	}
	n.put(h, 0)
	return h, n, nil
}

func (o *FormatOptions) header1(l layout, d *Digest) *Header1 {
	name, mode := splitCipher(o.Cipher)
	h := &Header1{
		Cipher: name, Mode: mode, Hash: o.Hash,
		PayloadOffset: uint32(l.data / SectorSize), KeySize: uint32(o.KeySize),
		Digest: [digest1]byte(d.Digest), DigestSalt: [salt1]byte(d.Salt), DigestIterations: uint32(min(d.Iterations, math.MaxUint32)),
		UUID: o.UUID,
	}
	for i := range h.Slots {
		h.Slots[i] = Slot1{Offset: slotOffset1(i, o.KeySize), Stripes: stripes}
	}
	return h
}

func (o *FormatOptions) header2(l layout, d *Digest) *Header2 {
	s := &Segment{
		Type: segmentCrypt, Offset: Number(l.data), Size: SegmentSize{Dynamic: true},
		Encryption: o.Cipher, SectorSize: int64(l.sector),
	}
	if o.Integrity != "" {
		s.Integrity = &Integrity{Type: o.Integrity, JournalEncryption: "none", JournalIntegrity: "none"}
	}
	d.Segments = IDs{0}
	return &Header2{
		Size: uint64(l.metadata), SequenceID: 1, Label: o.Label, Subsystem: o.Subsystem, ChecksumHash: defaultHash, UUID: o.UUID,
		Metadata: &Metadata{
			Keyslots: map[int]*Keyslot{}, Tokens: map[int]*Token{},
			Segments: map[int]*Segment{0: s}, Digests: map[int]*Digest{0: d},
			Config: Config{JSONSize: Number(l.metadata - binarySize2), KeyslotsSize: Number(l.keyslots)},
		},
	}
}
