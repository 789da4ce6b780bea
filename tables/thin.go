package tables

// ThinTable is one device of a thin pool. Line: <pool dev> <id>
// [<external origin>] (thin-provisioning.rst).
type ThinTable struct {
	Start          uint64 `json:"start_bytes"`  // bytes
	Length         uint64 `json:"length_bytes"` // bytes
	PoolDevice     string `json:"pool_device"`
	DeviceID       uint64 `json:"device_id"`                 // 0 to 16777215
	ExternalOrigin string `json:"external_origin,omitempty"` // "": none
}

func (t ThinTable) start() uint64      { return t.Start }
func (t ThinTable) length() uint64     { return t.Length }
func (t ThinTable) targetType() string { return "thin" }
func (t ThinTable) value() Table       { return t }
func (t ThinTable) devices() []string  { return []string{t.PoolDevice, t.ExternalOrigin} }

func (t ThinTable) params() (string, error) {
	b := builder{target: "thin"}
	b.word("pool device", t.PoolDevice)
	b.number(t.DeviceID)
	if t.ExternalOrigin != "" {
		b.word("external origin", t.ExternalOrigin)
	}
	return b.done()
}

func parseThin(start, length uint64, r *reader) Table {
	t := ThinTable{Start: start, Length: length}
	t.PoolDevice = r.word("pool device")
	t.DeviceID = r.number("device id")
	if r.left() > 0 {
		t.ExternalOrigin = r.word("external origin")
	}
	return t
}

// maxThinID is the largest device id the metadata can hold.
const maxThinID = 1<<24 - 1

func (t ThinTable) check() error {
	if t.DeviceID > maxThinID {
		return failf("thin", "device id", ErrInvalid, "%d is more than %d", t.DeviceID, maxThinID)
	}
	if t.ExternalOrigin == t.PoolDevice {
		return failf("thin", "external origin", ErrInvalid, "it is the pool device")
	}
	return nil
}

// ThinStatus is the status of a thin target.
type ThinStatus struct {
	StatusHeader
	// State is "Fail", "Error" or "-" when the kernel printed that in place of the
	// numbers: the pool failed, the device's metadata cannot be read, there is no
	// device yet; "" otherwise.
	State         string  `json:"state,omitempty"`
	MappedSectors uint64  `json:"mapped_sectors"`        // 512 bytes; provisioned
	HighestSector *uint64 `json:"highest_mapped_sector"` // 512 bytes; nil: nothing is mapped
}

func (ThinStatus) targetType() string { return "thin" }

func (s ThinStatus) write(w *statusWriter) {
	if w.state(s.State) {
		return
	}
	w.number(s.MappedSectors)
	w.maybe(s.HighestSector)
}

func parseThinStatus(h StatusHeader, r *reader) Status {
	s := ThinStatus{State: r.state("Fail", "Error", none)}
	if s.State == "" {
		s.MappedSectors = r.number("mapped sectors")
		s.HighestSector = r.maybe("highest mapped sector")
	}
	s.StatusHeader = r.tail(h)
	return s
}
