package volume

import (
	"fmt"
	"io/fs"
)

// Extents lists the parts of [off, off+length) that may hold data, in order
// and merged; the rest reads as zeros and can be left out of a copy. Holes are
// known where the target is zero, or linear or delay over a device that knows
// its own.
func (m *Mapped) Extents(off, length int64) ([]Extent, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.checkRange("listing the data of", off, length); err != nil {
		return nil, err
	}
	var list []Extent
	for end := off + length; off < end; {
		s := &m.spans[m.find(off)]
		n := min(end, s.end) - off
		part, err := s.extents(off-s.start, n)
		if err != nil {
			return nil, s.fail(off, err, false)
		}
		for _, e := range part {
			list = appendExtent(list, Extent{s.start + e.Offset, e.Length})
		}
		off += n
	}
	return list, nil
}

func (s *span) extents(off, length int64) ([]Extent, error) {
	x, ok := s.engine.(Extenter)
	if !ok {
		return whole(off, length), nil
	}
	return x.Extents(off, length)
}

// appendExtent adds e to an ordered list, joining it to the last one if they
// touch.
func appendExtent(list []Extent, e Extent) []Extent {
	if n := len(list); n > 0 && list[n-1].Offset+list[n-1].Length == e.Offset {
		list[n-1].Length += e.Length
		return list
	}
	return append(list, e)
}

// checkRange refuses a range that is not inside the volume.
func (m *Mapped) checkRange(doing string, off, length int64) error {
	switch {
	case m.closed:
		return fmt.Errorf("volume: %s a range: %w", doing, fs.ErrClosed)
	case off < 0 || length < 0 || off > m.size || length > m.size-off:
		return fmt.Errorf("volume: %s %d bytes at %d of %d: %w", doing, length, off, m.size, fs.ErrInvalid)
	}
	return nil
}
