package luks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/crypt"
)

// Priorities of key slots.
const (
	onRequest = 0
	normal    = 1
	preferred = 2
)

// slot is a key slot of either version.
type slot struct {
	id          int
	priority    int
	keySize     int // bytes
	kdf         *KDF
	afHash      string
	area        area
	encryption  string
	areaKeySize int // bytes
	digests     []*Digest
	segments    IDs   // that the key is for; none: an unbound key
	unusable    error // why it cannot be opened at all
}

// slots lists the key slots in the order in which they are tried.
func (h *Header) slots() []*slot {
	var list []*slot
	if h.Version == 1 {
		list = h.V1.slots()
	} else {
		list = h.V2.slots()
	}
	slices.SortStableFunc(list, func(a, b *slot) int { return cmp.Or(b.priority-a.priority, a.id-b.id) })
	return list
}

func (h *Header1) slots() (list []*slot) {
	for i, s := range h.Slots {
		if s.Active {
			list = append(list, h.slotOf(i, s))
		}
	}
	return list
}

// slotOf is slot id, which need not be in the header.
func (h *Header1) slotOf(id int, s Slot1) *slot {
	return &slot{
		id: id, priority: normal, keySize: int(h.KeySize),
		kdf:        &KDF{Type: kdfPBKDF2, Hash: h.Hash, Iterations: int64(s.Iterations), Salt: s.Salt[:]},
		afHash:     h.Hash,
		area:       area{int64(s.Offset) * SectorSize, (h.areaSize() + SectorSize - 1) / SectorSize * SectorSize},
		encryption: h.encryption(), areaKeySize: int(h.KeySize),
		digests: []*Digest{h.digest()}, segments: IDs{0},
	}
}

func (h *Header1) encryption() string { return h.Cipher + "-" + h.Mode }

// digest is the header's as LUKS2 would write it.
func (h *Header1) digest() *Digest {
	return &Digest{
		Type: kdfPBKDF2, Segments: IDs{0}, Hash: h.Hash, Iterations: int64(h.DigestIterations),
		Salt: h.DigestSalt[:], Digest: h.Digest[:],
	}
}

func (h *Header2) slots() (list []*slot) {
	m := h.Metadata
	for _, id := range sortedIDs(m.Keyslots) {
		list = append(list, m.slotOf(id, m.Keyslots[id]))
	}
	return list
}

// slotOf is slot id, which need not be in the header.
func (m *Metadata) slotOf(id int, k *Keyslot) *slot {
	s := &slot{id: id, priority: k.priority(), keySize: int(k.KeySize), unusable: k.usable()}
	if s.unusable == nil {
		s.kdf, s.afHash = k.KDF, k.AF.Hash
		s.area = area{int64(k.Area.Offset), int64(k.Area.Size)}
		s.encryption, s.areaKeySize = k.Area.Encryption, int(k.Area.KeySize)
	}
	for _, d := range sortedIDs(m.Digests) {
		if digest := m.Digests[d]; slices.Contains(digest.Keyslots, id) {
			s.digests = append(s.digests, digest)
			s.segments = append(s.segments, m.current(digest.Segments)...)
		}
	}
	return s
}

// current are those of ids that are not only kept for re-encryption.
func (m *Metadata) current(ids IDs) (list IDs) {
	for _, id := range ids {
		if s := m.Segments[id]; s != nil && !s.IsBackup() {
			list = append(list, id)
		}
	}
	return list
}

// priority is one of the three; what the format does not know counts as normal.
func (k *Keyslot) priority() int {
	if k.Priority == nil || *k.Priority < onRequest || *k.Priority > preferred {
		return normal
	}
	return int(*k.Priority)
}

// usable says why no passphrase can open the slot.
func (k *Keyslot) usable() error {
	switch {
	case k.Type != keyslotLUKS2:
		return fmt.Errorf("a slot of type %q: %w", clip(k.Type), ErrUnsupported)
	case k.AF.Stripes != stripes:
		return bad("%d stripes: want %d", k.AF.Stripes, stripes)
	case k.KeySize < 1 || k.Area.KeySize < 1 || k.Area.KeySize > maxKey1:
		return bad("a key of %d bytes, encrypted with one of %d", k.KeySize, k.Area.KeySize)
	case (uint64(k.KeySize)*stripes+SectorSize-1)/SectorSize*SectorSize > uint64(k.Area.Size):
		return bad("a key of %d bytes does not fit its area of %d", k.KeySize, k.Area.Size)
	}
	return nil
}

// open returns the key of the slot. The caller wipes it. Errors wrap [ErrWrongKey] when
// the passphrase is of another slot.
func (s *slot) open(ctx context.Context, r io.ReaderAt, pass []byte) (*secret, error) {
	if isNull(s.encryption) && len(pass) > 0 {
		return nil, ErrWrongKey // anything would open it
	}
	a, err := lookupHash(s.afHash)
	if err != nil {
		return nil, err
	}
	material := newSecret((s.keySize*stripes + SectorSize - 1) / SectorSize * SectorSize)
	defer material.wipe()
	if err := s.material(ctx, r, pass, material.b); err != nil {
		return nil, err
	}
	key := newSecret(s.keySize)
	mergeAF(key.b, material.b[:s.keySize*stripes], a)
	for _, d := range s.digests {
		ok, err := d.proves(ctx, key.b)
		if ok {
			return key, nil
		}
		if err != nil {
			key.wipe()
			return nil, err
		}
	}
	key.wipe()
	return nil, ErrWrongKey
}

// material reads and decrypts the bytes of the slot.
func (s *slot) material(ctx context.Context, r io.ReaderAt, pass, b []byte) error {
	key := newSecret(s.areaKeySize)
	defer key.wipe()
	if n, err := r.ReadAt(b, s.area.offset); n < len(b) {
		if err == io.EOF {
			return bad("its key material of %d bytes at %d goes past the end of the image", len(b), s.area.offset)
		}
		return fmt.Errorf("reading its key material: %w", err)
	}
	if err := s.kdf.derive(ctx, pass, key.b); err != nil {
		return err
	}
	d, err := crypt.NewDevice(loaded(b), 0, crypt.Config{Spec: s.encryption, Key: key.b})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	_, err = d.ReadAt(b, 0)
	return errors.Join(err, d.Close()) // which wipes what it made of the key
}

// loaded is key material in memory, to be decrypted in place.
type loaded []byte

func (b loaded) ReadAt(p []byte, off int64) (int, error) { return copy(p, b[off:]), nil }

func (loaded) WriteAt([]byte, int64) (int, error) { return 0, errors.ErrUnsupported }

// isNull reports whether a cipher specification is of the cipher that does nothing.
func isNull(encryption string) bool { return strings.HasPrefix(encryption, "cipher_null") }
