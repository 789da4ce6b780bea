package volume

import (
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/tables"
)

// Statuser is what an [Engine] may also be: one that has more to say of itself
// than that it is there. Status is the struct of its target, with start and
// length filled in; it may be called at any time, concurrently with I/O.
type Statuser interface {
	Status() tables.Status
}

// Status returns what the targets say of themselves, in order, as the kernel
// would of the same tables: tables.StatusLine and tables.FormatStatus make the
// text of `dmsetup status` of it. It is about what was read and written through
// this volume. An engine that has to be a [Statuser] for that and is none is
// ErrUnsupported.
func (m *Mapped) Status() ([]tables.Status, error) {
	list := make([]tables.Status, 0, len(m.spans))
	for _, s := range m.spans {
		status := s.status
		if e, ok := s.engine.(Statuser); ok {
			status = e.Status()
		}
		if status == nil {
			return nil, fmt.Errorf("volume: status of the %s target at byte %d: %w: the engine does not tell", s.target, s.start, ErrUnsupported)
		}
		list = append(list, status)
	}
	return list, nil
}

// fixedStatus is what a target says that never has anything to report; nil if
// there is no such thing.
func fixedStatus(t tables.Table) tables.Status {
	start, length := tables.Extent(t)
	h := tables.StatusHeader{Start: start, Length: length}
	switch t := t.(type) {
	case tables.DelayTable:
		return tables.DelayStatus{StatusHeader: h} // nothing is delayed
	case tables.StripeTable:
		s := tables.StripeStatus{StatusHeader: h, Health: strings.Repeat("A", len(t.Devices))}
		for _, d := range t.Devices {
			s.Devices = append(s.Devices, d.Device)
		}
		return s
	}
	l := tables.Line{Start: start / tables.SectorSize, Length: length / tables.SectorSize, Target: tables.TargetType(t)}
	s, err := l.Status()
	if _, raw := s.(tables.RawStatus); err != nil || raw {
		return nil
	}
	return s // most targets say nothing
}
