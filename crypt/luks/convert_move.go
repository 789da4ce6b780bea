package luks

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// mover plans how key slots of LUKS1 get to other places: copied to where nothing is, then
// the header says so, one after the other.
type mover struct {
	s     Storage
	h     Header1 // after the steps so far
	limit int64   // bytes: no key slot goes farther
	steps []step
	left  []area // where slots were
}

// area is where slot i is.
func (m *mover) area(i int) area {
	return area{int64(m.h.Slots[i].Offset) * SectorSize, m.h.areaSize()}
}

// meets reports whether two areas have a byte in common.
func (a area) meets(b area) bool { return a.offset < b.offset+b.size && b.offset < a.offset+a.size }

// move takes every slot to its target: those in use by a copy, directly or by way of free
// room. The others have only an offset, which keeps out of the way, since cryptsetup refuses a
// header in which any two slots overlap.
func (m *mover) move(targets [slots1]int64) error {
	var detour [slots1]bool
	for {
		pending, inUse := m.pending(targets)
		if len(inUse) == 0 {
			return m.settle(targets)
		}
		free := func(id int) bool { return len(m.inTheWay(id, targets[id], true)) == 0 }
		nearlyFree := func(id int) bool { return len(m.inTheWay(id, targets[id], false)) == 0 }
		onlyItself := func(id int) bool {
			return !detour[id] && slices.Equal(m.inTheWay(id, targets[id], false), []int{id})
		}
		id, ok := first(pending, free)
		if !ok {
			id, ok = first(inUse, nearlyFree)
		}
		to := targets[max(id, 0)]
		if !ok {
			if id, ok = first(inUse, onlyItself); !ok {
				id, ok = first(inUse, func(id int) bool { return !detour[id] })
			}
			if !ok {
				return fmt.Errorf("the key slots are in each other's way: %w", ErrNoRoom)
			}
			var err error
			if to, err = m.room(targets[id]); err != nil {
				return err
			}
			detour[id] = true
		}
		if err := m.step(id, to); err != nil {
			return err
		}
	}
}

// first is the first of ids for which ok is true.
func first(ids []int, ok func(id int) bool) (int, bool) {
	if i := slices.IndexFunc(ids, ok); i >= 0 {
		return ids[i], true
	}
	return -1, false
}

// pending are the slots that are not at their target, and those of them in use.
func (m *mover) pending(targets [slots1]int64) (all, inUse []int) {
	for i, s := range m.h.Slots {
		if m.area(i).offset == targets[i] {
			continue
		}
		if s.Active {
			inUse = append(inUse, i)
		}
		if s.Active || m.fits(targets[i]) {
			all = append(all, i)
		}
	}
	return all, inUse
}

func (m *mover) fits(offset int64) bool {
	return offset%SectorSize == 0 && offset >= areaAlignment && offset <= m.limit-m.h.areaSize()
}

// inTheWay are the slots that have bytes where slot id would be at offset; its own, if it
// is in use, since they are what is copied.
func (m *mover) inTheWay(id int, offset int64, unused bool) (list []int) {
	to := area{offset, m.h.areaSize()}
	for i, s := range m.h.Slots {
		if (s.Active || unused && i != id) && m.area(i).meets(to) {
			list = append(list, i)
		}
	}
	return list
}

// room is where a slot can be for a while which goes to target then: where none is, or one
// that is not in use.
func (m *mover) room(target int64) (int64, error) {
	for _, unused := range []bool{true, false} {
		taken := []area{{target, m.h.areaSize()}}
		for i, s := range m.h.Slots {
			if s.Active || unused {
				taken = append(taken, m.area(i))
			}
		}
		if at, ok := firstGap(taken, areaAlignment, m.limit, m.h.areaSize()); ok {
			return at, nil
		}
	}
	return 0, fmt.Errorf("there is no room of %d bytes for a key slot while it moves: remove one first, or convert a copy: %w",
		m.h.areaSize(), ErrNoRoom)
}

// firstGap is the first multiple of 4096 from start on with so many bytes before limit that
// are not taken.
func firstGap(taken []area, start, limit, size int64) (int64, bool) {
	taken = slices.SortedFunc(slices.Values(taken), func(a, b area) int { return cmp.Compare(a.offset, b.offset) })
	for _, a := range taken {
		if start+size <= a.offset {
			break
		}
		start = max(start, roundUp(a.offset+a.size, areaAlignment))
	}
	return start, start+size <= limit
}

// step copies slot i, if it is in use, and points the header at the copy.
func (m *mover) step(i int, to int64) error {
	from := m.area(i)
	if !m.fits(to) {
		return bad("key slot %d would go to byte %d, the room for it ends at %d", i, to, m.limit)
	}
	next := m.h
	next.Slots[i].Offset = uint32(to / SectorSize)
	next.makeWay(m.limit)
	if m.h.Slots[i].Active {
		m.steps = append(m.steps, step{what: fmt.Sprintf("moving key slot %d", i), off: to, from: io.NewSectionReader(m.s, from.offset, from.size)})
		m.left = append(m.left, from)
	}
	return m.save(next)
}

// save makes next the header.
func (m *mover) save(next Header1) error {
	header, err := steps1(&m.h, &next)
	if err != nil {
		return err
	}
	m.h, m.steps = next, append(m.steps, header...)
	return nil
}

// settle gives the slots that are not in use their places.
func (m *mover) settle(targets [slots1]int64) error {
	next := m.h
	for i, s := range next.Slots {
		if !s.Active && m.fits(targets[i]) {
			next.Slots[i].Offset = uint32(targets[i] / SectorSize)
		}
	}
	if next == m.h {
		return nil
	}
	return m.save(next)
}

// makeWay gives slots that are not in use and overlap others an offset where they do not,
// if there is one before limit.
func (h *Header1) makeWay(limit int64) {
	size := h.areaSize()
	for i, s := range h.Slots {
		if s.Active {
			continue
		}
		var others []area
		for k, o := range h.Slots {
			if k != i {
				others = append(others, area{int64(o.Offset) * SectorSize, size})
			}
		}
		own := area{int64(s.Offset) * SectorSize, size}
		if !slices.ContainsFunc(others, own.meets) {
			continue
		}
		if at, ok := firstGap(others, areaAlignment, limit, size); ok {
			h.Slots[i].Offset = uint32(at / SectorSize)
		}
	}
}

// wipe overwrites where slots were and none is now.
func (m *mover) wipe() (steps []step) {
	free := m.left
	for i, s := range m.h.Slots {
		if s.Active {
			free = without(free, m.area(i))
		}
	}
	for _, a := range free {
		steps = append(steps, step{what: "wiping where key slots were", off: a.offset, wipe: a.size})
	}
	return steps
}

// without is what is left of areas outside of hole.
func without(areas []area, hole area) (rest []area) {
	for _, a := range areas {
		if !a.meets(hole) {
			rest = append(rest, a)
			continue
		}
		if n := hole.offset - a.offset; n > 0 {
			rest = append(rest, area{a.offset, n})
		}
		if n := a.offset + a.size - hole.offset - hole.size; n > 0 {
			rest = append(rest, area{hole.offset + hole.size, n})
		}
	}
	return rest
}

// places are where the slots go: those in use by shift towards the start, the others into
// the first gaps from base on.
func (h *Header1) places(base, shift int64) (targets [slots1]int64, err error) {
	var taken []area
	for i, s := range h.Slots {
		if s.Active {
			targets[i] = int64(s.Offset)*SectorSize - shift
			taken = append(taken, area{targets[i], roundUp(h.areaSize(), areaAlignment)})
		}
	}
	size, limit := roundUp(h.areaSize(), areaAlignment), int64(h.PayloadOffset)*SectorSize
	if limit == 0 {
		limit = int64(1) << 40 // the file of a detached header
	}
	for i, s := range h.Slots {
		if s.Active {
			continue
		}
		at, ok := firstGap(taken, base, limit, size)
		if !ok {
			return targets, fmt.Errorf("eight key slots of %d bytes do not fit before the data at %d: %w", size, limit, ErrNoRoom)
		}
		targets[i] = at
		taken = append(taken, area{at, size})
	}
	return targets, nil
}
