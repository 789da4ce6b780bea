package tables

// ZeroTable reads as zeros and drops what is written. Its line has no words
// (zero.rst).
type ZeroTable struct {
	Start  uint64 `json:"start_bytes"`  // bytes
	Length uint64 `json:"length_bytes"` // bytes
}

func (t ZeroTable) start() uint64      { return t.Start }
func (t ZeroTable) length() uint64     { return t.Length }
func (t ZeroTable) targetType() string { return "zero" }
func (t ZeroTable) value() Table       { return t }
func (t ZeroTable) devices() []string  { return nil }

func (t ZeroTable) params() (string, error) { return "", nil }

func parseZero(start, length uint64, _ *reader) Table {
	return ZeroTable{Start: start, Length: length}
}

// ZeroStatus is the status of a zero target, which says nothing.
type ZeroStatus struct{ StatusHeader }

func (ZeroStatus) targetType() string { return "zero" }

func (ZeroStatus) write(*statusWriter) {}

func parseZeroStatus(h StatusHeader, r *reader) Status { return ZeroStatus{r.tail(h)} }
