package luks

import (
	"context"
	"fmt"
	"slices"
)

// convertShift is how far apart the key slots of the two versions begin, in bytes: LUKS1's
// at 4096, LUKS2's behind two copies of 16 KiB.
const convertShift = 2*minSize2 - areaAlignment

// Convert makes the header one of the other version, for the same key slots and data, as
// cryptsetup's convert does. Key slots change their places, one after the other through
// room that is free, and the header follows each, so that a crash leaves one valid header
// that every passphrase opens, and converting again finishes it; cryptsetup itself refuses
// some of these headers, for free slots that overlap. Where there is no room the error wraps
// [ErrNoRoom]; to LUKS1 the slots stay where they are then.
//
// LUKS1 can have only what it has a place for: one segment in sectors of 512 bytes without
// tags, at most eight key slots with PBKDF2, of the hash and the cipher that the data and the
// digest have, no tokens and no unbound keys. What else there is wraps [ErrOption] and
// nothing is written. Label, subsystem, priorities and flags are lost. ctx counts until
// writing begins. Errors are also those of the storage.
func (e *Editor) Convert(ctx context.Context, version int) error {
	return wrap(fmt.Sprintf("luks: converting to LUKS%d", version), e.convert(ctx, version))
}

func (e *Editor) convert(ctx context.Context, version int) error {
	if err := e.ready(); err != nil {
		return err
	}
	plan := e.to1
	switch {
	case version != 1 && version != 2:
		return option("there is no such version")
	case version == e.h.Version:
		return option("it is LUKS%d already", version)
	case version == 2:
		plan = e.to2
	}
	steps, err := plan()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return e.run(steps)
}

// to2 plans the way from LUKS1: the key slots leave the room of LUKS2's header first. Then
// its second copy is written, where it is nothing yet, and the first, sector 0 last but
// one: with it the image is LUKS2.
func (e *Editor) to2() ([]step, error) {
	h := e.h.V1
	size := roundUp(h.areaSize(), areaAlignment)
	keyslots := slots1 * size
	if h.PayloadOffset != 0 {
		if keyslots = int64(h.PayloadOffset)*SectorSize - 2*minSize2; keyslots < slots1*size {
			return nil, fmt.Errorf("LUKS2 needs %d bytes before the data, which begins at %d: %w",
				2*minSize2+slots1*size, int64(h.PayloadOffset)*SectorSize, ErrNoRoom)
		}
		keyslots = min(keyslots/areaAlignment*areaAlignment, maxKeyslots)
	}
	end := 2*minSize2 + keyslots
	targets := h.targets2(end)
	have, err := e.s.Size()
	if err != nil {
		return nil, err
	}
	if err := h.within(have); err != nil {
		return nil, err
	}
	var steps []step
	if have < end { // of a detached header: LUKS2 is refused when it is shorter than it says
		steps = append(steps, step{what: "enlarging the file", off: end - 1, b: []byte{0}})
	}
	m := &mover{s: e.s, h: *h, limit: end}
	if err := m.move(targets); err != nil {
		if h.PayloadOffset != 0 {
			return nil, err
		}
		m = &mover{s: e.s, h: *h, limit: end + size} // the file may grow
		if err := m.move(targets); err != nil {
			return nil, err
		}
	}
	steps = append(append(steps, m.steps...), m.wipe()...)
	next, err := m.h.header2(uint64(keyslots))
	if err != nil {
		return nil, err
	}
	return next.takeOver(steps)
}

// targets2 are where the slots go in LUKS2: as far from each other as they are, which is
// what cryptsetup does, or, where that does not fit before end, such as after a conversion that
// a crash ended, one behind the other.
func (h *Header1) targets2(end int64) (targets [slots1]int64) {
	fits := true
	for i, s := range h.Slots {
		targets[i] = int64(s.Offset)*SectorSize + convertShift
		fits = fits && (!s.Active || targets[i]%areaAlignment == 0 && targets[i] <= end-roundUp(h.areaSize(), areaAlignment))
	}
	for i := range targets {
		if !fits {
			targets[i] = int64(slotOffset1(i, int(h.KeySize)))*SectorSize + convertShift
		}
	}
	return targets
}

// within refuses slots in use whose key material is cut off by the end of the image.
func (h *Header1) within(size int64) error {
	for i, s := range h.Slots {
		if end := int64(s.Offset)*SectorSize + h.areaSize(); s.Active && end > size {
			return bad("key slot %d: its key material ends at byte %d, the image at %d", i, end, size)
		}
	}
	return nil
}

// header2 is the header as LUKS2 has it.
func (h *Header1) header2(keyslots uint64) (*Header2, error) {
	m := &Metadata{
		Keyslots: map[int]*Keyslot{}, Tokens: map[int]*Token{},
		Segments: map[int]*Segment{0: {
			Type: segmentCrypt, Offset: Number(h.PayloadOffset) * SectorSize, Size: SegmentSize{Dynamic: true},
			Encryption: h.encryption(), SectorSize: SectorSize,
		}},
		Digests: map[int]*Digest{0: {
			Type: kdfPBKDF2, Keyslots: IDs{}, Segments: IDs{0}, Hash: h.Hash, Iterations: int64(h.DigestIterations),
			Salt: slices.Clone(h.DigestSalt[:]), Digest: slices.Clone(h.Digest[:]),
		}},
		Config: Config{JSONSize: minSize2 - binarySize2, KeyslotsSize: Number(keyslots)},
	}
	for i, s := range h.Slots {
		if !s.Active {
			continue
		}
		m.Keyslots[i] = &Keyslot{
			Type: keyslotLUKS2, KeySize: int64(h.KeySize),
			AF: &AF{Type: afLUKS1, Stripes: stripes, Hash: h.Hash},
			Area: Area{
				Type: areaRaw, Offset: Number(s.Offset) * SectorSize, Size: Number(roundUp(h.areaSize(), areaAlignment)),
				Encryption: h.encryption(), KeySize: int64(h.KeySize),
			},
			KDF: &KDF{Type: kdfPBKDF2, Hash: h.Hash, Iterations: int64(s.Iterations), Salt: slices.Clone(s.Salt[:])},
		}
		m.Digests[0].Keyslots = append(m.Digests[0].Keyslots, i)
	}
	if err := m.check(minSize2); err != nil {
		return nil, option("LUKS2 cannot have this header: %w", err)
	}
	doc, err := m.MarshalJSON()
	return &Header2{Size: minSize2, SequenceID: 1, ChecksumHash: defaultHash, UUID: h.UUID, Metadata: m, JSON: doc}, err
}

// takeOver adds the steps from a header of LUKS1 that leaves room for this one.
func (h *Header2) takeOver(steps []step) ([]step, error) {
	second, err := h.copyStep(1)
	if err != nil {
		return nil, err
	}
	first, err := h.copyStep(0)
	if err != nil {
		return nil, err
	}
	const sectors1 = 2 * SectorSize // of LUKS1
	return append(steps, second,
		step{what: first.what, off: sectors1, b: first.b[sectors1:]},
		step{what: first.what, b: first.b[:SectorSize]},
		step{what: first.what, off: SectorSize, b: first.b[SectorSize:sectors1]}), nil
}

// to1 plans the way from LUKS2: the second sector of LUKS1's header makes the first copy
// invalid, and the second copy counts until the first sector is there, too.
func (e *Editor) to1() ([]step, error) {
	h, m, err := e.move1()
	if err != nil {
		return nil, err
	}
	have, err := e.s.Size()
	if err != nil {
		return nil, err
	}
	if err := h.within(have); err != nil {
		return nil, err
	}
	b, err := h.MarshalBinary()
	if err != nil {
		return nil, option("LUKS1 cannot have this header: %w", err)
	}
	const what = "writing the header"
	rest := make([]byte, 2*e.h.V2.Size-SectorSize)
	copy(rest, b[SectorSize:])
	steps := []step{
		{what: what, off: SectorSize, b: rest[:SectorSize]},
		{what: what, b: b[:SectorSize]},
		{what: "erasing the second copy of the header", off: 2 * SectorSize, b: rest[SectorSize:]},
	}
	return append(append(steps, m.steps...), m.wipe()...), nil
}

// move1 is the header of LUKS1 with the key slots where they are, and the moves to where
// cryptsetup has them; none if there is no room to move.
func (e *Editor) move1() (Header1, *mover, error) {
	h, err := e.h.V2.header1()
	if err != nil {
		return h, nil, err
	}
	size := 2 * int64(e.h.V2.Size)
	places, err := h.places(size, 0)
	if err != nil {
		return h, nil, err
	}
	for i := range h.Slots {
		h.Slots[i].Offset = uint32(places[i] / SectorSize)
	}
	stay := &mover{s: e.s, h: h}
	if places, err = h.places(size-convertShift, convertShift); err != nil {
		return h, stay, nil
	}
	m := &mover{s: e.s, h: h, limit: size + int64(e.h.V2.Metadata.Config.KeyslotsSize)}
	if m.move(places) != nil {
		return h, stay, nil
	}
	return h, m, nil
}

// header1 is the header as LUKS1 has it, with the areas where they are.
func (h *Header2) header1() (h1 Header1, err error) {
	m := h.Metadata
	if err := m.fit1(); err != nil {
		return h1, err
	}
	s, d := m.Segments[0], m.Digests[0]
	h1 = Header1{
		Hash: d.Hash, PayloadOffset: uint32(s.Offset / SectorSize), KeySize: uint32(m.dataKeySize()),
		Digest: [digest1]byte(d.Digest), DigestSalt: [salt1]byte(d.Salt), DigestIterations: uint32(d.Iterations), UUID: h.UUID,
	}
	h1.Cipher, h1.Mode = splitCipher(s.Encryption)
	for i := range h1.Slots {
		h1.Slots[i].Stripes = stripes
		if k := m.Keyslots[i]; k != nil {
			h1.Slots[i] = Slot1{
				Active: true, Iterations: uint32(k.KDF.Iterations), Salt: [salt1]byte(k.KDF.Salt),
				Offset: uint32(k.Area.Offset / SectorSize), Stripes: stripes,
			}
		}
	}
	if need := slots1 * roundUp(h1.areaSize(), areaAlignment); int64(m.Config.KeyslotsSize) < need {
		return h1, fmt.Errorf("the keyslots area of %d bytes is too small for eight of LUKS1, %d: %w", m.Config.KeyslotsSize, need, ErrNoRoom)
	}
	return h1, nil
}
