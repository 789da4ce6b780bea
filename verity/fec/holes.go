package fec

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
)

// HoleFinder is what a covered stream, or the data that [Area.Stream] makes one
// of, may also be: a reader that knows which parts were never written. [Encode]
// and [Check] take them as zeros without reading. It is the interface of the
// same name in package verity.
type HoleFinder interface {
	// NextData returns the first run of bytes at or after off that may hold
	// data, as [start, end) with off <= start < end. io.EOF means that only
	// zeros follow; any other error that nothing is known.
	NextData(off int64) (start, end int64, err error)
}

// mostExtents bounds the memory for what is known about holes.
const mostExtents = 1 << 14

// holes is what may hold data, in order; all else is zero. nil knows nothing.
type holes []extent

type extent struct{ start, end int64 }

// findHoles asks src, if it is a HoleFinder, about its first size bytes. What
// contradicts the contract counts as knowing nothing, as do files in very many
// pieces. A hole at the end could also be the end: then src is asked to read.
func findHoles(src io.ReaderAt, size int64) (holes, error) {
	finder, ok := src.(HoleFinder)
	if !ok {
		return nil, nil
	}
	found := extents(finder, size)
	if found.cover(size-1, 1) {
		if n, err := src.ReadAt(make([]byte, 1), size-1); n < 1 {
			return nil, fmt.Errorf("fec: reading the end of the covered stream at offset %d: %w", size-1, earlyEnd(err))
		}
	}
	return found, nil
}

// extents lists what may hold data in the first size bytes.
func extents(finder HoleFinder, size int64) holes {
	found := holes{}
	for off := int64(0); off < size; {
		start, end, err := finder.NextData(off)
		switch {
		case errors.Is(err, io.EOF):
			return found
		case err != nil || start < off || end <= start:
			start, end = off, math.MaxInt64
		case len(found) == mostExtents-1:
			end = math.MaxInt64
		}
		found = append(found, extent{start, end})
		off = end
	}
	return found
}

// cover reports that n bytes from off on are zero.
func (h holes) cover(off, n int64) bool {
	if h == nil {
		return false
	}
	i := sort.Search(len(h), func(i int) bool { return h[i].end > off })
	return i == len(h) || h[i].start >= off+n
}
