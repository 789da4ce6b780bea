package luks

import (
	"context"
	"crypto/rand"
	"fmt"
)

// unboundSize is how long a key is that is made for no segment, in bytes.
const unboundSize = 64

// NewKey makes a Key of bytes, which are copied. It proves nothing: methods that need a
// volume key check it against the digests.
func NewKey(b []byte) *Key { return &Key{Slot: -1, secret: copySecret(b)} }

// AddKey makes a key slot that opens key with pass, and returns its number. The key is the
// volume key, as [Header.Unlock] and [Header.VolumeKey] give it; with o.Unbound it is any
// other, or nil for a random one of 64 bytes. After a crash the slot is there or not.
// Errors wrap [ErrWrongKey], [ErrNoRoom], [ErrSlotInUse], [ErrCostly], [ErrOption] or
// [ErrUnsupported].
func (e *Editor) AddKey(ctx context.Context, key *Key, pass []byte, o SlotOptions) (int, error) {
	id, err := e.addKey(ctx, key, pass, o)
	return id, wrap("luks: adding a key", err)
}

func (e *Editor) addKey(ctx context.Context, key *Key, pass []byte, o SlotOptions) (int, error) {
	if err := e.ready(); err != nil {
		return 0, err
	}
	next, err := e.h.clone()
	if err != nil {
		return 0, err
	}
	if key == nil && o.Unbound {
		key = &Key{secret: newSecret(unboundSize)}
		defer key.Wipe()
		_, _ = rand.Read(key.Bytes()) // never fails
	}
	digest, err := next.digestFor(ctx, key, o)
	if err != nil {
		return 0, err
	}
	made, err := e.h.makeSlot(ctx, key.Bytes(), pass, o, rand.Reader)
	if err != nil {
		return 0, err
	}
	if e.h.Version == 1 && made.offset > maxSlots1 {
		return 0, bad("key slot %d: its key material would be at byte %d, far behind the header", made.id, made.offset)
	}
	made.put(next, digest)
	steps, err := e.h.stepsTo(next)
	if err != nil {
		return 0, err
	}
	return made.id, e.run(append([]step{made.step()}, steps...))
}

// digestFor is the number of the digest that proves key; for an unbound one it is made if
// need be.
func (h *Header) digestFor(ctx context.Context, key *Key, o SlotOptions) (int, error) {
	if key == nil {
		return 0, fmt.Errorf("the volume key is needed: %w", ErrWrongKey)
	}
	if h.Version == 1 {
		proven, err := h.VolumeKey(ctx, key.Bytes())
		if err == nil {
			proven.Wipe()
		}
		return 0, err
	}
	m := h.V2.Metadata
	id, found, err := m.digestOf(ctx, key.Bytes())
	switch {
	case err != nil:
		return 0, err
	case found && o.Unbound == (len(m.current(m.Digests[id].Segments)) == 0):
		return id, nil
	case found && o.Unbound:
		return 0, option("the key of the data cannot be one for no segment")
	case !o.Unbound:
		return 0, fmt.Errorf("a key of %d bytes that is not the volume key: %w", len(key.Bytes()), ErrWrongKey)
	case len(m.Digests) >= maxCount:
		return 0, fmt.Errorf("there are %d digests: %w", len(m.Digests), ErrNoRoom)
	}
	iterations := int64(0) // as many as a measurement says, unless costs are given
	if o.Cost.Iterations != 0 {
		iterations = minIterations
	}
	d, err := newDigest(ctx, key.Bytes(), defaultHash, salt2, iterations, rand.Reader)
	if err != nil {
		return 0, err
	}
	return m.addDigest(d), nil
}

// step writes the slot's area.
func (n *newSlot) step() step {
	return step{what: fmt.Sprintf("writing the key material of slot %d", n.id), off: n.offset, b: n.area}
}
