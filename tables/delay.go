package tables

// DelayTable is linear with waiting time. Line: <dev> <offset> <ms> once, twice
// (then for writes) or three times (then for flushes) (delay.rst).
//
// Without WriteDevice reads and writes share the first set, and WriteOffset and
// WriteDelay must be 0; without FlushDevice flushes share the set of writes. A
// FlushDevice without WriteDevice is written as three sets, the first repeated.
type DelayTable struct {
	Start       uint64 `json:"start_bytes"`  // bytes
	Length      uint64 `json:"length_bytes"` // bytes
	ReadDevice  string `json:"read_device"`
	ReadOffset  uint64 `json:"read_offset_bytes"` // bytes
	ReadDelay   uint64 `json:"read_delay_ms"`     // milliseconds
	WriteDevice string `json:"write_device,omitempty"`
	WriteOffset uint64 `json:"write_offset_bytes,omitempty"` // bytes
	WriteDelay  uint64 `json:"write_delay_ms,omitempty"`     // milliseconds
	FlushDevice string `json:"flush_device,omitempty"`
	FlushOffset uint64 `json:"flush_offset_bytes,omitempty"` // bytes
	FlushDelay  uint64 `json:"flush_delay_ms,omitempty"`     // milliseconds
}

func (t DelayTable) start() uint64      { return t.Start }
func (t DelayTable) length() uint64     { return t.Length }
func (t DelayTable) targetType() string { return "delay" }
func (t DelayTable) value() Table       { return t }

func (t DelayTable) devices() []string { return []string{t.ReadDevice, t.WriteDevice, t.FlushDevice} }

func (t DelayTable) params() (string, error) {
	b := builder{target: "delay"}
	set := func(kind, device string, offset, delay uint64) {
		b.word(kind+" device", device)
		b.sectors(kind+" offset", offset)
		b.number(delay)
	}
	if t.WriteDevice == "" && (t.WriteOffset != 0 || t.WriteDelay != 0) {
		b.failf("write device", ErrSyntax, "there is a write offset or delay but no device")
	}
	if t.FlushDevice == "" && (t.FlushOffset != 0 || t.FlushDelay != 0) {
		b.failf("flush device", ErrSyntax, "there is a flush offset or delay but no device")
	}
	set("read", t.ReadDevice, t.ReadOffset, t.ReadDelay)
	switch {
	case t.WriteDevice != "":
		set("write", t.WriteDevice, t.WriteOffset, t.WriteDelay)
	case t.FlushDevice != "":
		set("write", t.ReadDevice, t.ReadOffset, t.ReadDelay)
	}
	if t.FlushDevice != "" {
		set("flush", t.FlushDevice, t.FlushOffset, t.FlushDelay)
	}
	return b.done()
}

func parseDelay(start, length uint64, r *reader) Table {
	t := DelayTable{Start: start, Length: length}
	if n := r.left(); n != 3 && n != 6 && n != 9 {
		r.failf("", ErrSyntax, "found %d words, want 3, 6 or 9", n)
	}
	t.ReadDevice = r.word("read device")
	t.ReadOffset = r.sectors("read offset")
	t.ReadDelay = r.number("read delay")
	if r.left() > 0 {
		t.WriteDevice = r.word("write device")
		t.WriteOffset = r.sectors("write offset")
		t.WriteDelay = r.number("write delay")
	}
	if r.left() > 0 {
		t.FlushDevice = r.word("flush device")
		t.FlushOffset = r.sectors("flush offset")
		t.FlushDelay = r.number("flush delay")
	}
	return t
}

func (t DelayTable) check() error {
	for _, offset := range []uint64{t.ReadOffset, t.WriteOffset, t.FlushOffset} {
		if err := checkBackend("delay", "offset", offset, t.Length); err != nil {
			return err
		}
	}
	return nil
}

// DelayStatus is the status of a delay target: what is being delayed now.
type DelayStatus struct {
	StatusHeader
	Reads   uint64 `json:"delayed_reads"`   // requests
	Writes  uint64 `json:"delayed_writes"`  // requests
	Flushes uint64 `json:"delayed_flushes"` // requests; an older kernel does not print it
}

func (DelayStatus) targetType() string { return "delay" }

func (s DelayStatus) write(w *statusWriter) { w.numbers(s.Reads, s.Writes, s.Flushes) }

func parseDelayStatus(h StatusHeader, r *reader) Status {
	s := DelayStatus{Reads: r.number("reads"), Writes: r.number("writes")}
	if r.more() {
		s.Flushes = r.number("flushes")
	}
	s.StatusHeader = r.tail(h)
	return s
}
