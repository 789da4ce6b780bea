package tables

// LinearTable maps a range onto one range of a device, unchanged. Line:
// <dev> <offset> (linear.rst).
type LinearTable struct {
	Start         uint64 `json:"start_bytes"`          // bytes
	Length        uint64 `json:"length_bytes"`         // bytes
	BackendDevice string `json:"backend_device"`       // path or major:minor
	BackendOffset uint64 `json:"backend_offset_bytes"` // bytes
}

func (t LinearTable) start() uint64      { return t.Start }
func (t LinearTable) length() uint64     { return t.Length }
func (t LinearTable) targetType() string { return "linear" }
func (t LinearTable) value() Table       { return t }
func (t LinearTable) devices() []string  { return []string{t.BackendDevice} }

func (t LinearTable) params() (string, error) {
	b := builder{target: "linear"}
	b.word("device", t.BackendDevice)
	b.sectors("offset", t.BackendOffset)
	return b.done()
}

func parseLinear(start, length uint64, r *reader) Table {
	t := LinearTable{Start: start, Length: length}
	t.BackendDevice = r.word("device")
	t.BackendOffset = r.sectors("offset")
	return t
}

func (t LinearTable) check() error {
	return checkBackend("linear", "offset", t.BackendOffset, t.Length)
}

// LinearStatus is the status of a linear target, which says nothing.
type LinearStatus struct{ StatusHeader }

func (LinearStatus) targetType() string { return "linear" }

func (LinearStatus) write(*statusWriter) {}

func parseLinearStatus(h StatusHeader, r *reader) Status { return LinearStatus{r.tail(h)} }
