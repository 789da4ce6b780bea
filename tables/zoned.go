package tables

// ZonedTable shows a host-managed zoned drive as an ordinary disk. Line: the
// devices, a regular one for the cache first when there are several
// (dm-zoned.rst).
type ZonedTable struct {
	Start   uint64   `json:"start_bytes"`  // bytes
	Length  uint64   `json:"length_bytes"` // bytes
	Devices []string `json:"devices"`
}

func (t ZonedTable) start() uint64      { return t.Start }
func (t ZonedTable) length() uint64     { return t.Length }
func (t ZonedTable) targetType() string { return "zoned" }
func (t ZonedTable) value() Table       { return t }
func (t ZonedTable) devices() []string  { return t.Devices }

func (t ZonedTable) params() (string, error) {
	b := builder{target: "zoned"}
	if len(t.Devices) == 0 {
		b.failf("devices", ErrSyntax, "there is no device")
	}
	b.list("device", t.Devices)
	return b.done()
}

func parseZoned(start, length uint64, r *reader) Table {
	t := ZonedTable{Start: start, Length: length}
	t.Devices = append(t.Devices, r.word("device"))
	t.Devices = append(t.Devices, r.rest()...)
	return t
}

// ZonedClass counts the zones of one kind.
type ZonedClass struct {
	Kind  string `json:"kind"`  // "random", "sequential", "cache"
	Free  uint64 `json:"free"`  // zones that hold nothing
	Zones uint64 `json:"zones"` // all of the kind
}

// ZonedStatus is the status of a zoned target. A kernel that uses several
// devices prints the classes of each.
type ZonedStatus struct {
	StatusHeader
	Zones   uint64       `json:"zones"`
	Classes []ZonedClass `json:"classes,omitempty"`
}

func (ZonedStatus) targetType() string { return "zoned" }

func (s ZonedStatus) write(w *statusWriter) {
	w.number(s.Zones)
	w.word("", "zones")
	for _, c := range s.Classes {
		w.ratio(c.Free, c.Zones)
		w.word("kind", c.Kind)
	}
}

func parseZonedStatus(h StatusHeader, r *reader) Status {
	s := ZonedStatus{Zones: r.number("zones")}
	if w := r.word("zones"); r.err == nil && w != "zones" {
		r.fail("zones", &finding{ErrSyntax, w, "the word zones"})
	}
	for r.left() > 0 {
		var c ZonedClass
		c.Free, c.Zones = r.ratio("class")
		c.Kind = r.word("kind")
		s.Classes = append(s.Classes, c)
	}
	s.StatusHeader = r.tail(h)
	return s
}
