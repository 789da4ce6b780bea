package verity

import "bytes"

// Limits of the search for the content of a damaged tree block: so many
// combinations, and so many bytes hashed for it.
const (
	searchTries = 512
	searchBytes = 2 << 20
)

// restore deals with a stored tree block that does not have the digest want. It
// notes the damage and goes on below with what the block should hold, if that
// can be proven.
func (w *walker) restore(level int, index uint64, want, stored []byte) error {
	if err := w.below.settle(); err != nil {
		return err
	}
	first, n := w.layout.children(level, index, 1)
	sums := make([]byte, int(n)*w.layout.digestSize)
	if err := w.below.sums(level-1, first, sums); err != nil {
		return err
	}
	digests, err := w.restoreFrom(level, index, want, stored, sums)
	if err != nil {
		return err
	}
	if digests == nil {
		w.lose(level, index)
		return nil
	}
	w.found.tree[level].add(index, 1)
	return w.below.verify(level-1, first, digests)
}

// restoreFrom looks for the digests that a damaged tree block should hold: a
// combination of those that it still holds, those of the blocks below as they
// are stored (sums), and those of the blocks below when they too are made anew
// from the data. Whatever has the digest want is right; nil when nothing has.
func (w *walker) restoreFrom(level int, index uint64, want, stored, sums []byte) ([]byte, error) {
	slots := make([]byte, len(sums))
	w.layout.unpack(slots, stored, 0)
	s := w.newSearch(want)
	if s.combine(slots) || s.combine(sums) || s.combine(slots, sums) {
		return s.digests, nil
	}
	if level == 0 {
		return nil, nil
	}
	first, _ := w.layout.children(level, index, 1)
	restored := make([]byte, len(sums))
	if err := w.below.estimate(level-1, first, bytes.Clone(sums), restored); err != nil {
		return nil, err
	}
	if s.combine(restored) || s.combine(sums, restored) || s.combine(slots, restored) || s.combine(slots, sums, restored) {
		return s.digests, nil
	}
	return nil, nil
}

// estimate implements lower.
func (w *walker) estimate(level int, first uint64, stored, restored []byte) error {
	if level < 0 {
		if err := w.sums(level, first, stored); err != nil {
			return err
		}
		copy(restored, stored)
		return nil
	}
	size := w.layout.digestSize
	lv := &w.levels[level+1]
	for ; len(stored) > 0; first++ {
		block, sum, err := w.read(level, first, 1)
		if err != nil {
			return err
		}
		copy(stored, sum)
		child, n := w.layout.children(level, first, 1)
		childStored := grow(&lv.stored, int(n)*size)
		childRestored := grow(&lv.restored, int(n)*size)
		if err := w.below.estimate(level-1, child, childStored, childRestored); err != nil {
			return err
		}
		w.layout.arbitrate(block, childStored, childRestored)
		clear(block)
		w.layout.pack(block, 0, childRestored)
		w.sumTree(restored[:size], block)
		stored, restored = stored[size:], restored[size:]
	}
	return nil
}

// sumTree hashes one tree block.
func (w *walker) sumTree(sum, block []byte) {
	w.gate.enter()
	defer w.gate.leave()
	w.hasher.SumBlocks(sum, block, w.layout.hashBlockSize)
}

// arbitrate settles which of two digests of each child is the likely one, and
// leaves it in restored: the stored one only if the block above agrees with it.
func (l *Layout) arbitrate(block, stored, restored []byte) {
	for slot := 0; slot*l.digestSize < len(stored); slot++ {
		held := block[l.digestOffset(slot):][:l.digestSize]
		if bytes.Equal(held, stored[slot*l.digestSize:][:l.digestSize]) {
			copy(restored[slot*l.digestSize:], held)
		}
	}
}

// search tries contents of one tree block until one has the right digest.
type search struct {
	walker  *walker
	want    []byte
	block   []byte
	sum     []byte
	digests []byte // of the last try
}

func (w *walker) newSearch(want []byte) *search {
	return &search{
		walker: w, want: want,
		block: make([]byte, w.layout.hashBlockSize),
		sum:   make([]byte, w.layout.digestSize),
	}
}

// try reports whether a block with s.digests has the right digest.
func (s *search) try() bool {
	clear(s.block)
	s.walker.layout.pack(s.block, 0, s.digests)
	s.walker.sumTree(s.sum, s.block)
	return bytes.Equal(s.sum, s.want)
}

// combine tries combinations of the lists, slot by slot: all of them when the
// lists differ in few slots. When two lists differ in more, it tries those where
// one run of the slots comes from the one list and the rest from the other, for
// damage has neighbours. A single list is just tried.
func (s *search) combine(lists ...[]byte) bool {
	s.digests = append(s.digests[:0], lists[0]...)
	limit := min(searchTries, max(4, searchBytes/len(s.block)))
	options := s.options(lists)
	if tries := combinations(options, limit); tries <= limit {
		return s.tryAll(options, tries)
	}
	if n := len(options); len(lists) == 2 && n*(n+1) <= limit {
		return s.tryRuns(options)
	}
	return false
}

// tryAll goes through all combinations.
func (s *search) tryAll(options []*option, tries int) bool {
	for range tries {
		if s.try() {
			return true
		}
		for _, o := range options { // as a counter does
			o.pick(s.digests, (o.now+1)%len(o.digests))
			if o.now != 0 {
				break
			}
		}
	}
	return false
}

// tryRuns goes through all runs of slots that take the second digest where the
// others take the first, and the other way round.
func (s *search) tryRuns(options []*option) bool {
	for inside := range 2 {
		for from := range options {
			for _, o := range options {
				o.pick(s.digests, 1-inside)
			}
			for _, o := range options[from:] {
				o.pick(s.digests, inside)
				if s.try() {
					return true
				}
			}
		}
	}
	return false
}

// option is the choice of digests for one slot.
type option struct {
	at      int // offset of the slot in a list
	digests [][]byte
	now     int
}

// pick puts the n-th choice into list.
func (o *option) pick(list []byte, n int) {
	o.now = n
	copy(list[o.at:], o.digests[n])
}

// offer adds a digest unless it is there already.
func (o *option) offer(digest []byte) {
	for _, d := range o.digests {
		if bytes.Equal(d, digest) {
			return
		}
	}
	o.digests = append(o.digests, digest)
}

// options finds the slots where lists differ.
func (s *search) options(lists [][]byte) (all []*option) {
	size := len(s.sum)
	for at := 0; at < len(lists[0]); at += size {
		o := &option{at: at}
		for _, list := range lists {
			o.offer(list[at:][:size])
		}
		if len(o.digests) > 1 {
			all = append(all, o)
		}
	}
	return all
}

// combinations is the number of ways to choose, or something above limit.
func combinations(options []*option, limit int) int {
	n := 1
	for _, o := range options {
		if n *= len(o.digests); n > limit {
			break
		}
	}
	return n
}
