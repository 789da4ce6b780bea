package verity

import (
	"errors"
	"io"
	"math"
)

// HoleFinder is what the data given to [Build] and [Check] may also be: a
// reader that knows which parts were never written, as sparse files do. Holes
// are taken as zeros without being read.
type HoleFinder interface {
	// NextData returns the first run of bytes at or after off that may hold
	// data, as [start, end) with off <= start < end. io.EOF means that only
	// zeros follow; any other error that nothing is known.
	NextData(off int64) (start, end int64, err error)
}

// holeMap answers questions about holes that come in ascending order. The zero
// value knows of none.
type holeMap struct {
	finder     HoleFinder
	from       int64 // [from, start) is a hole, [start, end) may hold data
	start, end int64
}

// newHoleMap asks r, if it is a HoleFinder.
func newHoleMap(r any) *holeMap {
	finder, _ := r.(HoleFinder)
	return &holeMap{finder: finder}
}

// covers reports whether n bytes from off on are known to be a hole.
func (m *holeMap) covers(off, n int64) bool {
	if m.finder == nil {
		return false
	}
	if off < m.from || off >= m.end {
		m.look(off)
	}
	return m.from <= off && off+n <= m.start
}

// look finds the next data. What contradicts the contract of HoleFinder counts
// as knowing nothing.
func (m *holeMap) look(off int64) {
	start, end, err := m.finder.NextData(off)
	switch {
	case errors.Is(err, io.EOF):
		start, end = math.MaxInt64, math.MaxInt64
	case err != nil || start < off || end <= start:
		*m = holeMap{}
		return
	}
	m.from, m.start, m.end = off, start, end
}
