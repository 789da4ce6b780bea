package tables

// SwitchDevice is one path of a [SwitchTable].
type SwitchDevice struct {
	Device string `json:"device"`
	Offset uint64 `json:"offset_bytes"` // bytes
}

// SwitchTable sends each region to one of several paths. Which one is set by
// messages and is not part of the table. Line:
// <#paths> <region> 0 (<dev> <offset>)×#paths (switch.rst).
type SwitchTable struct {
	Start      uint64         `json:"start_bytes"`       // bytes
	Length     uint64         `json:"length_bytes"`      // bytes
	RegionSize uint64         `json:"region_size_bytes"` // bytes
	Devices    []SwitchDevice `json:"devices"`
}

func (t SwitchTable) start() uint64      { return t.Start }
func (t SwitchTable) length() uint64     { return t.Length }
func (t SwitchTable) targetType() string { return "switch" }
func (t SwitchTable) value() Table       { return t }

func (t SwitchTable) devices() []string {
	var ds []string
	for _, d := range t.Devices {
		ds = append(ds, d.Device)
	}
	return ds
}

func (t SwitchTable) params() (string, error) {
	b := builder{target: "switch"}
	if len(t.Devices) == 0 {
		b.failf("paths", ErrSyntax, "there is no device")
	}
	b.number(uint64(len(t.Devices)))
	b.sectors("region size", t.RegionSize)
	b.number(0)
	for _, d := range t.Devices {
		b.word("device", d.Device)
		b.sectors("offset", d.Offset)
	}
	return b.done()
}

func parseSwitch(start, length uint64, r *reader) Table {
	t := SwitchTable{Start: start, Length: length}
	n := r.number("paths")
	t.RegionSize = r.sectors("region size")
	if options := r.number("options"); options != 0 {
		r.failf("options", ErrSyntax, "found a count of %d, want 0", options)
	}
	if want := uint64(r.left()); r.err == nil && (n == 0 || want%2 != 0 || n != want/2) {
		r.failf("paths", ErrSyntax, "the count says %d, %d words follow, want two for each and at least one", n, want)
	}
	for r.left() > 0 {
		t.Devices = append(t.Devices, SwitchDevice{Device: r.word("device"), Offset: r.sectors("offset")})
	}
	return t
}

func (t SwitchTable) check() error {
	if t.RegionSize == 0 {
		return failf("switch", "region size", ErrInvalid, "it is 0")
	}
	for _, d := range t.Devices {
		if err := checkBackend("switch", "offset", d.Offset, t.Length); err != nil {
			return err
		}
	}
	return nil
}

// SwitchStatus is the status of a switch target, which says nothing.
type SwitchStatus struct{ StatusHeader }

func (SwitchStatus) targetType() string { return "switch" }

func (SwitchStatus) write(*statusWriter) {}

func parseSwitchStatus(h StatusHeader, r *reader) Status { return SwitchStatus{r.tail(h)} }
