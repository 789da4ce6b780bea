package verity

import "bytes"

// Limits of the search for the content of a damaged tree block: so many
// combinations at a time, and so many bytes hashed for them.
const (
	searchTries = 512
	searchBytes = 2 << 20
)

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
	s.walker.remake(s.sum, s.block, s.digests)
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
