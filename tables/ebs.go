package tables

// EbsTable emulates a device with smaller blocks than the one below. Line:
// <dev> <offset> <emulated> [<underlying>] (dm-ebs.rst).
type EbsTable struct {
	Start               uint64 `json:"start_bytes"`  // bytes
	Length              uint64 `json:"length_bytes"` // bytes
	Device              string `json:"device"`
	Offset              uint64 `json:"offset_bytes"`                          // bytes
	EmulatedBlockSize   uint64 `json:"emulated_block_size_bytes"`             // bytes
	UnderlyingBlockSize uint64 `json:"underlying_block_size_bytes,omitempty"` // bytes; 0: the device's own
}

func (t EbsTable) start() uint64      { return t.Start }
func (t EbsTable) length() uint64     { return t.Length }
func (t EbsTable) targetType() string { return "ebs" }
func (t EbsTable) value() Table       { return t }
func (t EbsTable) devices() []string  { return []string{t.Device} }

func (t EbsTable) params() (string, error) {
	b := builder{target: "ebs"}
	b.word("device", t.Device)
	b.sectors("offset", t.Offset)
	b.sectors("emulated block size", t.EmulatedBlockSize)
	if t.UnderlyingBlockSize != 0 {
		b.sectors("underlying block size", t.UnderlyingBlockSize)
	}
	return b.done()
}

func parseEbs(start, length uint64, r *reader) Table {
	t := EbsTable{Start: start, Length: length}
	t.Device = r.word("device")
	t.Offset = r.sectors("offset")
	t.EmulatedBlockSize = r.sectors("emulated block size")
	if r.left() > 0 {
		t.UnderlyingBlockSize = r.sectors("underlying block size")
		if r.err == nil && t.UnderlyingBlockSize == 0 {
			r.failf("underlying block size", ErrInvalid, "it is 0")
		}
	}
	return t
}

func (t EbsTable) check() error {
	switch {
	case !powerOfTwo(t.EmulatedBlockSize, SectorSize, maxPage):
		return failf("ebs", "emulated block size", ErrInvalid, "%d bytes: want a power of two, 512 to %d", t.EmulatedBlockSize, maxPage)
	case t.UnderlyingBlockSize != 0 && !powerOfTwo(t.UnderlyingBlockSize, SectorSize, noLimit):
		return failf("ebs", "underlying block size", ErrInvalid, "%d bytes are no power of two", t.UnderlyingBlockSize)
	case t.UnderlyingBlockSize != 0 && t.Offset%t.UnderlyingBlockSize != 0:
		return failf("ebs", "offset", ErrUnaligned, "%d bytes are not a multiple of the underlying block of %d", t.Offset, t.UnderlyingBlockSize)
	}
	return checkBackend("ebs", "offset", t.Offset, t.Length)
}

// EbsStatus is the status of an ebs target, which says nothing.
type EbsStatus struct{ StatusHeader }

func (EbsStatus) targetType() string { return "ebs" }

func (EbsStatus) write(*statusWriter) {}

func parseEbsStatus(h StatusHeader, r *reader) Status { return EbsStatus{r.tail(h)} }
