package tables

// ZonedTable shows a host-managed zoned drive as an ordinary disk. Line: the
// devices, a regular one for the cache first when there are several
// (targets.md 12).
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
