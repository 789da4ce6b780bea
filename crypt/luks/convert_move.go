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

// move takes every slot in use to its target, directly or by way of free room.
func (m *mover) move(targets [slots1]int64) error {
	var detour [slots1]bool
	for {
		pending := m.pending(targets)
		if len(pending) == 0 {
			return nil
		}
		at := slices.IndexFunc(pending, func(id int) bool { return len(m.inTheWay(targets[id])) == 0 })
		if at >= 0 {
			if err := m.step(pending[at], targets[pending[at]]); err != nil {
				return err
			}
			continue
		}
		at = slices.IndexFunc(pending, func(id int) bool { return !detour[id] && slices.Equal(m.inTheWay(targets[id]), []int{id}) })
		if at < 0 {
			at = slices.IndexFunc(pending, func(id int) bool { return !detour[id] })
		}
		if at < 0 {
			return fmt.Errorf("the key slots are in each other's way: %w", ErrNoRoom)
		}
		id := pending[at]
		room, err := m.room(targets[id])
		if err != nil {
			return err
		}
		detour[id] = true
		if err := m.step(id, room); err != nil {
			return err
		}
	}
}

// pending are the slots in use that are not at their target.
func (m *mover) pending(targets [slots1]int64) (list []int) {
	for i, s := range m.h.Slots {
		if s.Active && m.area(i).offset != targets[i] {
			list = append(list, i)
		}
	}
	return list
}

// inTheWay are the slots in use that have bytes where a slot at offset would be.
func (m *mover) inTheWay(offset int64) (list []int) {
	to := area{offset, m.h.areaSize()}
	for i, s := range m.h.Slots {
		if s.Active && m.area(i).meets(to) {
			list = append(list, i)
		}
	}
	return list
}

// room is where a slot can be for a while which goes to target then.
func (m *mover) room(target int64) (int64, error) {
	taken := []area{{target, m.h.areaSize()}}
	for i, s := range m.h.Slots {
		if s.Active {
			taken = append(taken, m.area(i))
		}
	}
	if at, ok := firstGap(taken, areaAlignment, m.limit, m.h.areaSize()); ok {
		return at, nil
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

// step copies slot i and points the header at the copy.
func (m *mover) step(i int, to int64) error {
	from := m.area(i)
	if to%SectorSize != 0 || to < areaAlignment || to > m.limit-from.size {
		return bad("key slot %d would go to byte %d, the room for it ends at %d", i, to, m.limit)
	}
	next := m.h
	next.Slots[i].Offset = uint32(to / SectorSize)
	header, err := steps1(&m.h, &next)
	if err != nil {
		return err
	}
	m.steps = append(m.steps, step{what: fmt.Sprintf("moving key slot %d", i), off: to, from: io.NewSectionReader(m.s, from.offset, from.size)})
	m.steps = append(m.steps, header...)
	m.h, m.left = next, append(m.left, from)
	return nil
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
