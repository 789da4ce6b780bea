package tables

// LogWritesTable passes everything to Device and records writes on LogDevice.
// It uses the sector number of the whole mapped device, whatever Start is.
// Line: <dev> <log dev>; the kernel ignores further words, and so does
// [Parse], which does not keep them (log-writes.rst).
type LogWritesTable struct {
	Start     uint64 `json:"start_bytes"`  // bytes
	Length    uint64 `json:"length_bytes"` // bytes
	Device    string `json:"device"`
	LogDevice string `json:"log_device"`
}

func (t LogWritesTable) start() uint64      { return t.Start }
func (t LogWritesTable) length() uint64     { return t.Length }
func (t LogWritesTable) targetType() string { return "log-writes" }
func (t LogWritesTable) value() Table       { return t }
func (t LogWritesTable) devices() []string  { return []string{t.Device, t.LogDevice} }

func (t LogWritesTable) params() (string, error) {
	b := builder{target: "log-writes"}
	b.word("device", t.Device)
	b.word("log device", t.LogDevice)
	return b.done()
}

func parseLogWrites(start, length uint64, r *reader) Table {
	t := LogWritesTable{Start: start, Length: length}
	t.Device = r.word("device")
	t.LogDevice = r.word("log device")
	r.rest()
	return t
}

// LogWritesStatus is the status of a log-writes target.
type LogWritesStatus struct {
	StatusHeader
	Entries  uint64 `json:"entries"`     // in the log
	LastUsed uint64 `json:"last_sector"` // last sector of the log device in use, 512 bytes
	Disabled bool   `json:"disabled"`    // an error of the log device stopped logging
}

func (LogWritesStatus) targetType() string { return "log-writes" }

// loggingDisabled is the word that is printed after an error.
const loggingDisabled = "logging_disabled"

func (s LogWritesStatus) write(w *statusWriter) {
	w.numbers(s.Entries, s.LastUsed)
	if s.Disabled {
		w.word("", loggingDisabled)
	}
}

func parseLogWritesStatus(h StatusHeader, r *reader) Status {
	s := LogWritesStatus{Entries: r.number("entries"), LastUsed: r.number("last sector")}
	if r.left() > 0 && r.words[r.next] == loggingDisabled {
		r.next++
		s.Disabled = true
	}
	s.StatusHeader = r.tail(h)
	return s
}
