package luks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/crypt"
)

// AnySlot as [SlotOptions].Slot means the first one that is free.
const AnySlot = -1

// Numbers of the formats.
const (
	slots2       = 32 // key slots of LUKS2; also its other objects
	salt2        = 32 // bytes of every salt that is made
	defaultHash  = "sha256"
	fallback     = "aes-xts-plain64" // for areas of slots whose data has a cipher that cannot be used for them
	fallbackSize = 64                // bytes
)

// SlotOptions say how a key slot is made. The zero value is slot 0 with cryptsetup's
// defaults.
type SlotOptions struct {
	Slot     int    // its number; [AnySlot]: the first free one
	Cost     Cost   // what opening it costs
	Cipher   string // of its area, LUKS2 only; "": that of the data, or aes-xts-plain64 where that cannot be used
	KeySize  int    // bytes, with Cipher; 0: 64 for xts, else 32
	AFHash   string // LUKS2; "": sha256. LUKS1 has one hash for all
	Priority *int64 // LUKS2: 0 on request only, 1 normal, 2 first; nil: not written, which is normal
	Unbound  bool   // LUKS2: the key is for no segment
}

// newSlot is a key slot that was made and is in no header yet. Its area is written, and
// synced, before the header that names it.
type newSlot struct {
	id     int
	offset int64    // bytes: where the area begins
	area   []byte   // its bytes, encrypted: whole sectors
	v1     Slot1    // with LUKS1
	v2     *Keyslot // with LUKS2
}

// put enters the slot into h, which is not written by that. digest is the number of the one
// of LUKS2 that proves the slot's key. A slot that has the number already is replaced.
func (n *newSlot) put(h *Header, digest int) {
	if h.Version == 1 {
		h.V1.Slots[n.id] = n.v1
		return
	}
	m := h.V2.Metadata
	m.drop(n.id)
	if m.Keyslots == nil {
		m.Keyslots = make(map[int]*Keyslot)
	}
	m.Keyslots[n.id] = n.v2
	d := m.Digests[digest]
	d.Keyslots = append(d.Keyslots, n.id)
	slices.Sort(d.Keyslots)
}

// drop takes slot id out of m and of the digests that name it. Tokens keep naming it: that
// is the caller's to decide.
func (m *Metadata) drop(id int) {
	delete(m.Keyslots, id)
	for _, d := range m.Digests {
		d.Keyslots = slices.DeleteFunc(slices.Clone(d.Keyslots), func(k int) bool { return k == id })
	}
}

// makeSlot makes a slot of h for key, to be opened with pass, from bytes of random. h stays
// as it is; o.Slot has to be free. Errors wrap [ErrOption], [ErrNoRoom], [ErrSlotInUse],
// [ErrCostly] or [ErrUnsupported].
func (h *Header) makeSlot(ctx context.Context, key, pass []byte, o SlotOptions, random io.Reader) (*newSlot, error) {
	id, err := h.freeSlot(o.Slot)
	if err != nil {
		return nil, err
	}
	return h.makeSlotAs(ctx, id, key, pass, o, random)
}

// freeSlot is the number of a slot that is free: want, or the first.
func (h *Header) freeSlot(want int) (int, error) {
	count, used := slots1, func(id int) bool { return h.V1.Slots[id].Active }
	if h.Version == 2 {
		count, used = slots2, func(id int) bool { return h.V2.Metadata.Keyslots[id] != nil }
	}
	switch {
	case want == AnySlot:
		for id := range count {
			if !used(id) {
				return id, nil
			}
		}
		return 0, fmt.Errorf("all %d key slots are in use: %w", count, ErrNoRoom)
	case want < 0 || want >= count:
		return 0, option("key slot %d: LUKS%d has the slots 0 to %d", want, h.Version, count-1)
	case used(want):
		return 0, fmt.Errorf("key slot %d: %w", want, ErrSlotInUse)
	}
	return want, nil
}

// makeSlotAs is makeSlot with a number that may be in use: then the new slot is for taking
// its place, in LUKS2 with another area.
func (h *Header) makeSlotAs(ctx context.Context, id int, key, pass []byte, o SlotOptions, random io.Reader) (*newSlot, error) {
	run := h.makeSlot2
	if h.Version == 1 {
		run = h.makeSlot1
	}
	n, err := run(ctx, id, key, pass, o, randomness(random))
	if err != nil {
		return nil, fmt.Errorf("key slot %d: %w", id, err)
	}
	return n, nil
}

func (h *Header) makeSlot1(ctx context.Context, id int, key, pass []byte, o SlotOptions, random io.Reader) (*newSlot, error) {
	old := h.V1.Slots[id]
	cost := o.Cost
	if cost.Hash == "" {
		cost.Hash = h.V1.Hash
	}
	switch {
	case o.Cipher != "" || o.KeySize != 0 || o.Priority != nil || o.Unbound:
		return nil, option("LUKS1 has no cipher, priority or unbound key of a slot")
	case o.AFHash != "" && !sameHash(o.AFHash, h.V1.Hash) || !sameHash(cost.Hash, h.V1.Hash):
		return nil, option("LUKS1 has one hash for all slots, %s", h.V1.Hash)
	case len(key) != int(h.V1.KeySize):
		return nil, option("a key of %d bytes, the header is for %d", len(key), h.V1.KeySize)
	}
	if err := h.V1.checkArea(id); err != nil {
		return nil, err
	}
	cost.Hash = h.V1.Hash
	n := &newSlot{id: id, offset: int64(old.Offset) * SectorSize}
	kdf, err := cost.kdf(ctx, 1, len(key), random)
	if err != nil {
		return nil, err
	}
	n.v1 = Slot1{Active: true, Iterations: uint32(kdf.Iterations), Salt: [salt1]byte(kdf.Salt), Offset: old.Offset, Stripes: stripes}
	n.area, err = h.V1.slotOf(id, n.v1).seal(ctx, key, pass, random)
	return n, err
}

// checkArea refuses to write key material of slot id where something else may be.
func (h *Header1) checkArea(id int) error {
	from, size := int64(h.Slots[id].Offset)*SectorSize, h.areaSize()
	areas := []area{{0, size1}, {from, size}}
	for i, s := range h.Slots {
		if s.Active && i != id {
			areas = append(areas, area{int64(s.Offset) * SectorSize, size})
		}
	}
	payload := int64(h.PayloadOffset) * SectorSize
	usual := h.Slots[id].Offset == slotOffset1(id, int(h.KeySize))
	if payload != 0 && from+size > payload && !usual {
		return bad("its key material at byte %d goes into the data at %d", from, payload)
	}
	if disjoint(areas) != nil {
		return bad("its key material at byte %d overlaps the header or another slot", from)
	}
	return nil
}

// slotOffset1 is where cryptsetup puts the key material of a slot, in sectors: one behind
// the other from 4096 on, each on a multiple of that.
func slotOffset1(id, keySize int) uint32 {
	return uint32((areaAlignment + int64(id)*roundUp(int64(keySize)*stripes, areaAlignment)) / SectorSize)
}

func (h *Header) makeSlot2(ctx context.Context, id int, key, pass []byte, o SlotOptions, random io.Reader) (*newSlot, error) {
	m := h.V2.Metadata
	k := &Keyslot{
		Type: keyslotLUKS2, KeySize: int64(len(key)),
		AF: &AF{Type: afLUKS1, Stripes: stripes, Hash: o.AFHash},
	}
	if k.AF.Hash == "" {
		k.AF.Hash = defaultHash
	}
	if o.Priority != nil {
		if *o.Priority < onRequest || *o.Priority > preferred {
			return nil, option("priority %d: want 0 (on request), 1 (normal) or 2 (preferred)", *o.Priority)
		}
		k.Priority = new(*o.Priority)
	}
	if len(key) < 1 || len(key) > maxKey1 {
		return nil, option("a key of %d bytes: want 1 to %d", len(key), maxKey1)
	}
	var err error
	if k.Area, err = m.newArea(h.V2.Size, len(key), o); err != nil {
		return nil, err
	}
	if k.KDF, err = o.Cost.kdf(ctx, 2, int(k.Area.KeySize), random); err != nil {
		return nil, err
	}
	n := &newSlot{id: id, offset: int64(k.Area.Offset), v2: k}
	n.area, err = m.slotOf(id, k).seal(ctx, key, pass, random)
	return n, err
}

// newArea finds room for a key of keySize bytes and settles the cipher of it.
func (m *Metadata) newArea(headerSize uint64, keySize int, o SlotOptions) (Area, error) {
	a := Area{Type: areaRaw, Encryption: o.Cipher, KeySize: int64(o.KeySize)}
	switch {
	case o.Cipher == "" && o.KeySize != 0:
		return a, option("a key size of the slot's cipher needs the cipher")
	case o.Cipher == "":
		a.Encryption, a.KeySize = m.usualCipher(keySize)
	case o.KeySize == 0:
		a.KeySize = int64(usualKeySize(o.Cipher))
	}
	if isNull(a.Encryption) {
		return a, option("cipher %s of the slot would not hide the key", a.Encryption)
	}
	if err := tryCipher(a.Encryption, int(a.KeySize), SectorSize); err != nil {
		return a, fmt.Errorf("cipher of the slot: %w", err)
	}
	offset, err := m.gap(headerSize, uint64(keySize))
	size := roundUp(int64(keySize)*stripes, areaAlignment)
	a.Offset, a.Size = Number(offset), Number(size)
	return a, err
}

// usualCipher is that of the first segment and the size of its key, if it can be used for a
// slot: tags have no place there.
func (m *Metadata) usualCipher(keySize int) (string, int64) {
	if s := m.Segments[0]; s != nil && s.Type == segmentCrypt && s.Integrity == nil && !isNull(s.Encryption) {
		size := m.dataKeySize()
		if size == 0 {
			size = int64(keySize)
		}
		if isForSlots(s.Encryption) && tryCipher(s.Encryption, int(size), SectorSize) == nil {
			return s.Encryption, size
		}
	}
	return fallback, fallbackSize
}

// isForSlots reports whether cryptsetup opens slots of LUKS2 whose areas have this cipher: it
// has a list of names, without aria and those of the crypto API, and IVs of 16 bytes at most,
// where hctr2 takes 32. Seen with version 2.6.1 on a kernel that has them all.
func isForSlots(cipher string) bool {
	name, mode := splitCipher(cipher)
	return name != "aria" && !strings.HasPrefix(cipher, "capi:") && !strings.HasPrefix(mode, "hctr2")
}

// gap is where the first room for a key of keySize bytes is between the areas that exist.
func (m *Metadata) gap(headerSize, keySize uint64) (uint64, error) {
	size := uint64(roundUp(int64(keySize)*stripes, areaAlignment))
	start := 2 * headerSize
	end := start + uint64(m.Config.KeyslotsSize)
	var areas []area
	for _, k := range m.Keyslots {
		areas = append(areas, area{int64(k.Area.Offset), int64(k.Area.Size)})
	}
	slices.SortFunc(areas, func(a, b area) int { return int(min(max(a.offset-b.offset, -1), 1)) })
	for _, a := range areas {
		if start+size <= uint64(a.offset) {
			break
		}
		start = max(start, uint64(roundUp(a.offset+a.size, areaAlignment)))
	}
	if start+size > end {
		return 0, fmt.Errorf("the keyslots area of %d bytes has no gap of %d: %w", m.Config.KeyslotsSize, size, ErrNoRoom)
	}
	return start, nil
}

// seal is the inverse of open: it splits key and encrypts the pieces with what the slot's
// derivation makes of pass. The result is what the area holds, in whole sectors.
func (s *slot) seal(ctx context.Context, key, pass []byte, random io.Reader) ([]byte, error) {
	if isNull(s.encryption) && len(pass) > 0 {
		return nil, option("cipher %s goes with an empty passphrase only, any other would open it too", s.encryption)
	}
	a, err := lookupHash(s.afHash)
	if err != nil {
		return nil, err
	}
	if err := s.kdf.checkCost(s.areaKeySize, true); err != nil {
		return nil, err
	}
	material := newSecret(int(roundUp(int64(len(key))*stripes, SectorSize)))
	defer material.wipe()
	if err := splitAF(material.b[:len(key)*stripes], key, a, random); err != nil {
		return nil, err
	}
	under := newSecret(s.areaKeySize)
	defer under.wipe()
	if err := s.kdf.derive(ctx, pass, under.b); err != nil {
		return nil, err
	}
	out := make(stored, len(material.b))
	d, err := crypt.NewDevice(out, 0, crypt.Config{Spec: s.encryption, Key: under.b})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	_, err = d.WriteAt(material.b, 0)
	return out, errors.Join(err, d.Close())
}

// stored is the area of a slot in memory, to be encrypted into.
type stored []byte

func (b stored) ReadAt(p []byte, off int64) (int, error) { return copy(p, b[off:]), nil }

func (b stored) WriteAt(p []byte, off int64) (int, error) { return copy(b[off:], p), nil }
