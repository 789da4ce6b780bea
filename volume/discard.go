package volume

import (
	"fmt"

	"github.com/dmimg/dmimg/tables"
)

// Discard tells the devices that a range is no longer needed. What a later read
// of it returns depends on the target and the device: zeros from a file, noise
// under crypt. off and length are multiples of 512. ErrUnsupported where the
// target or the device cannot, as crypt without allow_discards.
func (m *Mapped) Discard(off, length int64) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.checkRange("discarding", off, length); err != nil {
		return err
	}
	if !m.writable {
		return fmt.Errorf("volume: discarding %d bytes at %d: %w", length, off, ErrReadOnly)
	}
	if align := int64(max(m.unit.align, tables.SectorSize)); off%align != 0 || length%align != 0 {
		return fmt.Errorf("volume: discarding %d bytes at %d: sectors have %d bytes: %w", length, off, align, ErrUnaligned)
	}
	for end := off + length; off < end; {
		s := &m.spans[m.find(off)]
		n := min(end, s.end) - off
		if err := discard(s.engine, off-s.start, n); err != nil {
			return fmt.Errorf("volume: discarding at byte %d (%s): %w", off, s.target, err)
		}
		off += n
	}
	return nil
}

// discard passes a discard on to a device or engine that can.
func discard(d any, off, length int64) error {
	x, ok := d.(Discarder)
	if !ok {
		return ErrUnsupported
	}
	return x.Discard(off, length)
}
