package tables

// SnapshotMergeTable merges a snapshot back into its origin. The line is that
// of [SnapshotTable]; the store must be persistent.
type SnapshotMergeTable struct {
	Start        uint64   `json:"start_bytes"`  // bytes
	Length       uint64   `json:"length_bytes"` // bytes
	OriginDevice string   `json:"origin_device"`
	COWDevice    string   `json:"cow_device"`         // copy-on-write device
	Persistent   bool     `json:"persistent"`         // P; false: N, transient
	Overflow     bool     `json:"overflow,omitempty"` // PO: a full store is reported as Overflow
	ChunkSize    uint64   `json:"chunk_size_bytes"`   // bytes; 0: from the store's header
	Features     []string `json:"features,omitempty"` // see Options
}

// Options reads the feature words.
func (t SnapshotMergeTable) Options() (SnapshotOptions, error) {
	return snapshotOptions("snapshot-merge", t.Features)
}

func (t SnapshotMergeTable) start() uint64      { return t.Start }
func (t SnapshotMergeTable) length() uint64     { return t.Length }
func (t SnapshotMergeTable) targetType() string { return "snapshot-merge" }
func (t SnapshotMergeTable) value() Table       { return t }
func (t SnapshotMergeTable) devices() []string  { return []string{t.OriginDevice, t.COWDevice} }

func (t SnapshotMergeTable) params() (string, error) {
	return snapshotParams("snapshot-merge", SnapshotTable(t))
}

func parseSnapshotMerge(start, length uint64, r *reader) Table {
	return SnapshotMergeTable(readSnapshot(start, length, r))
}

func (t SnapshotMergeTable) check() error {
	if !t.Persistent {
		return failf("snapshot-merge", "store", ErrInvalid, "a transient store (N) cannot be merged")
	}
	return checkSnapshot("snapshot-merge", SnapshotTable(t))
}

// SnapshotMergeStatus is the status of a snapshot-merge target: UsedSectors
// shrink to MetadataSectors.
type SnapshotMergeStatus struct {
	StatusHeader
	State           string `json:"state,omitempty"`  // as in [SnapshotStatus]
	UsedSectors     uint64 `json:"used_sectors"`     // 512 bytes; of the store, metadata included
	TotalSectors    uint64 `json:"total_sectors"`    // 512 bytes; size of the store
	MetadataSectors uint64 `json:"metadata_sectors"` // 512 bytes; an older kernel does not print it
}

func (SnapshotMergeStatus) targetType() string { return "snapshot-merge" }

func (s SnapshotMergeStatus) write(w *statusWriter) { SnapshotStatus(s).write(w) }

func parseSnapshotMergeStatus(h StatusHeader, r *reader) Status {
	return SnapshotMergeStatus(readSnapshotStatus(h, r))
}
