package luks

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
)

// UnlockOptions say which slots are tried. The zero value tries all that hold a key for
// data, but not those of priority 0, which are opened on request only.
type UnlockOptions struct {
	Slots       []int // only these, of whatever priority; nil: all
	Unbound     bool  // also slots whose key is for no segment
	AllowCostly bool  // whatever memory and time a slot needs
	Jobs        int   // cores to use; 0 means all
}

// Key is a volume key. [Key.Wipe] it when it is not needed any more.
type Key struct {
	Slot     int // where it was found; -1 if it was given
	Segments IDs // of LUKS2 that it decrypts; none: an unbound key

	secret *secret
}

// Bytes is the key itself, which stays the Key's: zeros after [Key.Wipe].
func (k *Key) Bytes() []byte { return k.secret.b }

// Wipe zeroes the key.
func (k *Key) Wipe() { k.secret.wipe() }

// String keeps the key from being printed.
func (k *Key) String() string { return fmt.Sprintf("key of slot %d (not shown)", k.Slot) }

// GoString keeps the key from being printed.
func (k *Key) GoString() string { return k.String() }

// Unlock finds the volume key with a passphrase, which stays the caller's. Slots are tried
// at once on as many cores and with as much memory as is allowed for one; of several that
// open, the one with the highest priority, then the lowest number, is returned. Errors wrap
// [ErrWrongKey], [ErrNoKeyslot], [ErrCostly], [ErrUnsupported] or [ErrHeader]; a slot that
// could not be tried is an error even if the passphrase is merely wrong for the others.
// When ctx ends, slots with Argon2 are computed to their end in the background.
func (h *Header) Unlock(ctx context.Context, pass []byte, o UnlockOptions) (*Key, error) {
	slots, err := h.candidates(o)
	if err != nil {
		return nil, fmt.Errorf("luks: unlocking: %w", err)
	}
	key, err := h.try(ctx, slots, pass, o)
	if err != nil {
		return nil, fmt.Errorf("luks: unlocking: %w", err)
	}
	return key, nil
}

// candidates lists the slots to try, in order.
func (h *Header) candidates(o UnlockOptions) ([]*slot, error) {
	all := h.slots()
	for _, id := range o.Slots {
		if !slices.ContainsFunc(all, func(s *slot) bool { return s.id == id }) {
			return nil, fmt.Errorf("key slot %d is not in use: %w", id, ErrNoKeyslot)
		}
	}
	var list []*slot
	for _, s := range all {
		switch {
		case o.Slots != nil && slices.Contains(o.Slots, s.id):
		case o.Slots != nil || s.priority == onRequest || errors.Is(s.unusable, ErrUnsupported):
			continue
		case len(s.segments) == 0 && !o.Unbound:
			continue
		}
		list = append(list, s)
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("no key slot is in use, a volume key is needed: %w", ErrNoKeyslot)
	case len(list) == 0:
		return nil, fmt.Errorf("no key slot can be tried but on request: %w", ErrNoKeyslot)
	}
	return list, nil
}

// attempt is what came of a slot.
type attempt struct {
	index int
	key   *secret
	err   error
}

// try opens slots in order, as many at once as cores and memory allow. Once one opens, the
// later ones are given up; the earlier ones are waited for, so that the result is always
// the same.
func (h *Header) try(ctx context.Context, slots []*slot, pass []byte, o UnlockOptions) (*Key, error) {
	b := budget{cores: o.Jobs, memory: maxMemory}
	if b.cores <= 0 {
		b.cores = runtime.GOMAXPROCS(0)
	}
	results := make(chan attempt, len(slots))
	done := make([]*attempt, len(slots))
	cancels := make([]context.CancelFunc, len(slots))
	best, started, finished := len(slots), 0, 0
	collect := func() {
		a := <-results
		finished++
		b.release(slots[a.index])
		done[a.index] = &a
		if a.err == nil && a.index < best {
			best = a.index
			for _, cancel := range cancels[best+1 : started] {
				cancel()
			}
		}
	}
	for i, s := range slots {
		for started > finished && best == len(slots) && !b.fits(s) {
			collect()
		}
		if best < len(slots) || ctx.Err() != nil {
			break
		}
		b.take(s)
		started++
		var slotCtx context.Context
		slotCtx, cancels[i] = context.WithCancel(ctx)
		defer cancels[i]()
		go func() {
			key, err := h.openSlot(slotCtx, s, pass, o)
			results <- attempt{i, key, err}
		}()
	}
	for finished < started {
		collect()
	}
	return conclude(ctx, slots, done, best)
}

// openSlot opens a slot unless it is too costly.
func (h *Header) openSlot(ctx context.Context, s *slot, pass []byte, o UnlockOptions) (*secret, error) {
	if s.unusable != nil {
		return nil, s.unusable
	}
	if err := s.kdf.checkCost(s.areaKeySize, o.AllowCostly); err != nil {
		return nil, err
	}
	for _, d := range s.digests {
		k := KDF{Type: kdfPBKDF2, Hash: d.Hash, Iterations: d.Iterations}
		if err := k.checkCost(len(d.Digest), o.AllowCostly); err != nil {
			return nil, fmt.Errorf("digest: %w", err)
		}
	}
	return s.open(ctx, h.source, pass)
}

// conclude picks the key, wipes the others, and says why there is none.
func conclude(ctx context.Context, slots []*slot, done []*attempt, best int) (*Key, error) {
	var failed []error
	for i, a := range done {
		switch {
		case a == nil:
		case a.err == nil && i != best:
			a.key.wipe()
		case a.err != nil && !errors.Is(a.err, ErrWrongKey) && !errCanceled(a.err):
			failed = append(failed, fmt.Errorf("key slot %d: %w", slots[i].id, a.err))
		}
	}
	switch {
	case best < len(slots):
		return &Key{Slot: slots[best].id, Segments: slots[best].segments, secret: done[best].key}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(failed) > 0:
		return nil, errors.Join(failed...)
	case len(slots) == 1:
		return nil, fmt.Errorf("key slot %d does not open: %w", slots[0].id, ErrWrongKey)
	}
	return nil, fmt.Errorf("none of %d key slots opens: %w", len(slots), ErrWrongKey)
}

// VolumeKey checks a volume key against the digests. The Key has a copy. Errors wrap
// [ErrWrongKey], [ErrUnsupported] or [ErrHeader].
func (h *Header) VolumeKey(ctx context.Context, key []byte) (*Key, error) {
	digests, current := []*Digest{}, func(ids IDs) IDs { return ids }
	if h.Version == 2 {
		current = h.V2.Metadata.current
	}
	if h.Version == 1 {
		digests = append(digests, h.V1.digest())
	} else {
		for _, id := range sortedIDs(h.V2.Metadata.Digests) {
			digests = append(digests, h.V2.Metadata.Digests[id])
		}
	}
	var failed []error
	for _, d := range digests {
		ok, err := d.proves(ctx, key)
		if ok {
			return &Key{Slot: -1, Segments: current(d.Segments), secret: copySecret(key)}, nil
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 {
		failed = append(failed, fmt.Errorf("no digest is of this volume key of %d bytes: %w", len(key), ErrWrongKey))
	}
	return nil, fmt.Errorf("luks: checking a volume key: %w", errors.Join(failed...))
}

// budget is what slots may use at once. A slot that needs all of it runs alone.
type budget struct {
	cores  int
	memory uint64

	usedCores  int
	usedMemory uint64
	running    int
}

func (b *budget) fits(s *slot) bool {
	cores, memory := s.need()
	return b.running == 0 || b.usedCores+cores <= b.cores && b.usedMemory+memory <= b.memory
}

func (b *budget) take(s *slot) {
	cores, memory := s.need()
	b.usedCores, b.usedMemory, b.running = b.usedCores+cores, b.usedMemory+memory, b.running+1
}

func (b *budget) release(s *slot) {
	cores, memory := s.need()
	b.usedCores, b.usedMemory, b.running = b.usedCores-cores, b.usedMemory-memory, b.running-1
}

// need is how many cores and bytes of memory opening the slot takes.
func (s *slot) need() (cores int, memory uint64) {
	if s.unusable != nil {
		return 0, 0
	}
	return s.kdf.threads(s.areaKeySize), s.kdf.memory()
}
