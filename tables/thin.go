package tables

// ThinTable is one device of a thin pool. Line: <pool dev> <id>
// [<external origin>] (targets.md 5.2).
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
