package tables

// SnapshotOriginTable is the origin of snapshots: linear, but a write first
// gives every snapshot its copy. It uses the sector number of the whole mapped
// device, whatever Start is. Line: <dev> (snapshot.rst).
type SnapshotOriginTable struct {
	Start        uint64 `json:"start_bytes"`  // bytes
	Length       uint64 `json:"length_bytes"` // bytes
	OriginDevice string `json:"origin_device"`
}

func (t SnapshotOriginTable) start() uint64      { return t.Start }
func (t SnapshotOriginTable) length() uint64     { return t.Length }
func (t SnapshotOriginTable) targetType() string { return "snapshot-origin" }
func (t SnapshotOriginTable) value() Table       { return t }
func (t SnapshotOriginTable) devices() []string  { return []string{t.OriginDevice} }

func (t SnapshotOriginTable) params() (string, error) {
	b := builder{target: "snapshot-origin"}
	b.word("origin device", t.OriginDevice)
	return b.done()
}

func parseSnapshotOrigin(start, length uint64, r *reader) Table {
	return SnapshotOriginTable{Start: start, Length: length, OriginDevice: r.word("origin device")}
}

// SnapshotOriginStatus is the status of a snapshot-origin target, which says nothing.
type SnapshotOriginStatus struct{ StatusHeader }

func (SnapshotOriginStatus) targetType() string { return "snapshot-origin" }

func (SnapshotOriginStatus) write(*statusWriter) {}

func parseSnapshotOriginStatus(h StatusHeader, r *reader) Status {
	return SnapshotOriginStatus{r.tail(h)}
}
