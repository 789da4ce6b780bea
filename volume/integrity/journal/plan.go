package journal

import "math/bits"

// plan says which sections of a journal a replay applies, and where the writing
// goes on.
type plan struct {
	first uint32 // section; the oldest
	count uint32
	seq   sequence // of the next pass over first
}

// all is the set of all sequences.
const all = 1<<sequences - 1

// newPlan finds the sections that were committed. seen holds, for each section,
// the set of sequences of its sectors.
//
// A journal is written in a ring, and each pass has the sequence after the one
// before it. The newest sequence is found by the gap after it. What follows the
// last section that has it, even in a part, is the oldest: from there on come
// the sections of the pass before, then those of the newest one, up to a
// section that is not whole.
func newPlan(seen []uint8) (plan, error) {
	used := uint8(0)
	for _, set := range seen {
		used |= set
	}
	if used == all {
		return plan{}, &DamagedError{0, -1, "all four sequences are in use"}
	}
	unused := sequence(bits.Len8(used))
	if unused == sequences {
		unused = sequence(bits.TrailingZeros8(^used))
	}
	last := unused.previous()
	want := last.previous()
	if used&want.bit() == 0 && used&want.previous().bit() != 0 {
		return plan{first: 0, seq: last.next()}, nil
	}
	newest := 0
	for i, set := range seen {
		if set&last.bit() != 0 {
			newest = i
		}
	}
	p := plan{first: uint32(newest + 1)}
	if newest+1 == len(seen) {
		p.first, want = 0, last
	}
	p.seq = want.next()
	i := p.first
	for int(p.count) < len(seen) && seen[i] == want.bit() {
		p.count++
		if i++; int(i) == len(seen) {
			i, want = 0, want.next()
		}
	}
	return p, nil
}
