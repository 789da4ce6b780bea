package tables

// SnapshotTable shows the origin as it was, with what has changed since on the
// COW device. Line: <origin> <cow> <P|PO|N> <chunk> [<#f> <f>...]; of the third
// word the first letter counts, in any case, and an O after it. It uses the
// sector number of the whole mapped device, whatever Start is (snapshot.rst).
type SnapshotTable struct {
	Start        uint64   `json:"start_bytes"`  // bytes
	Length       uint64   `json:"length_bytes"` // bytes
	OriginDevice string   `json:"origin_device"`
	COWDevice    string   `json:"cow_device"`         // copy-on-write device
	Persistent   bool     `json:"persistent"`         // P; false: N, transient
	Overflow     bool     `json:"overflow,omitempty"` // PO: a full store is reported as Overflow
	ChunkSize    uint64   `json:"chunk_size_bytes"`   // bytes; 0: from the store's header
	Features     []string `json:"features,omitempty"` // see Options
}

// SnapshotOptions are the feature words of a [SnapshotTable] and a
// [SnapshotMergeTable].
type SnapshotOptions struct {
	DiscardZeroesCOW      bool
	DiscardPassdownOrigin bool
}

// Options reads the feature words.
func (t SnapshotTable) Options() (SnapshotOptions, error) {
	return snapshotOptions("snapshot", t.Features)
}

func snapshotOptions(target string, words []string) (SnapshotOptions, error) {
	g := grammar[SnapshotOptions]{target: target, field: "features", options: []option[SnapshotOptions]{
		{name: "discard_zeroes_cow", set: toggle(func(o *SnapshotOptions) *bool { return &o.DiscardZeroesCOW })},
		{name: "discard_passdown_origin", set: toggle(func(o *SnapshotOptions) *bool { return &o.DiscardPassdownOrigin })},
	}}
	var o SnapshotOptions
	err := g.parse(&o, words)
	return o, err
}

func (t SnapshotTable) start() uint64      { return t.Start }
func (t SnapshotTable) length() uint64     { return t.Length }
func (t SnapshotTable) targetType() string { return "snapshot" }
func (t SnapshotTable) value() Table       { return t }
func (t SnapshotTable) devices() []string  { return []string{t.OriginDevice, t.COWDevice} }

func (t SnapshotTable) params() (string, error) { return snapshotParams("snapshot", t) }

func parseSnapshot(start, length uint64, r *reader) Table { return readSnapshot(start, length, r) }

// readSnapshot reads the line of a snapshot or a snapshot-merge.
func readSnapshot(start, length uint64, r *reader) SnapshotTable {
	t := SnapshotTable{Start: start, Length: length}
	t.OriginDevice = r.word("origin device")
	t.COWDevice = r.word("cow device")
	store := r.word("store")
	if r.err == nil {
		switch store[0] {
		case 'P', 'p':
			t.Persistent = true
		case 'N', 'n':
		default:
			r.fail("store", &finding{ErrSyntax, store, "P, PO or N"})
		}
		t.Overflow = len(store) > 1 && (store[1] == 'O' || store[1] == 'o')
	}
	t.ChunkSize = r.sectors("chunk size")
	t.Features = r.optionalGroup("features", maxSnapshotWords)
	_, err := snapshotOptions(r.target, t.Features)
	r.check(err)
	return t
}

// maxSnapshotWords is the kernel's limit of feature words.
const maxSnapshotWords = 2

func snapshotParams(target string, t SnapshotTable) (string, error) {
	b := builder{target: target}
	_, err := snapshotOptions(target, t.Features)
	b.check(err)
	b.limit("features", t.Features, maxSnapshotWords)
	b.word("origin device", t.OriginDevice)
	b.word("cow device", t.COWDevice)
	store := "N"
	if t.Persistent {
		store = "P"
	}
	if t.Overflow {
		store += "O"
	}
	b.word("store", store)
	b.sectors("chunk size", t.ChunkSize)
	b.optionalGroup("features", t.Features)
	return b.done()
}

func (t SnapshotTable) check() error { return checkSnapshot("snapshot", t) }

// maxSnapshotChunk is the largest chunk the kernel can count, in bytes.
const maxSnapshotChunk = 1 << 31

func checkSnapshot(target string, t SnapshotTable) error {
	o, err := snapshotOptions(target, t.Features)
	switch {
	case err != nil:
		return err
	case t.OriginDevice == t.COWDevice:
		return failf(target, "cow device", ErrInvalid, "it is the origin device too")
	case t.ChunkSize == 0 && !t.Persistent:
		return failf(target, "chunk size", ErrInvalid, "a transient store (N) needs one")
	case t.ChunkSize != 0 && !powerOfTwo(t.ChunkSize, SectorSize, maxSnapshotChunk):
		return failf(target, "chunk size", ErrInvalid, "%d sectors: want a power of two, at most %d", t.ChunkSize/SectorSize, maxSnapshotChunk/SectorSize)
	case o.DiscardPassdownOrigin && !o.DiscardZeroesCOW:
		return failf(target, "discard_passdown_origin", ErrInvalid, "it needs discard_zeroes_cow")
	}
	return nil
}

// SnapshotStatus is the status of a snapshot target.
type SnapshotStatus struct {
	StatusHeader
	// State is "Invalid", "Overflow", "Merge failed" or "Unknown" when the kernel
	// printed that in place of the numbers, which are then zero; "" otherwise.
	State           string `json:"state,omitempty"`
	UsedSectors     uint64 `json:"used_sectors"`     // 512 bytes; of the store, metadata included
	TotalSectors    uint64 `json:"total_sectors"`    // 512 bytes; size of the store
	MetadataSectors uint64 `json:"metadata_sectors"` // 512 bytes; an older kernel does not print it
}

func (SnapshotStatus) targetType() string { return "snapshot" }

func (s SnapshotStatus) write(w *statusWriter) {
	if w.state(s.State) {
		return
	}
	w.ratio(s.UsedSectors, s.TotalSectors)
	w.number(s.MetadataSectors)
}

func parseSnapshotStatus(h StatusHeader, r *reader) Status { return readSnapshotStatus(h, r) }

func readSnapshotStatus(h StatusHeader, r *reader) SnapshotStatus {
	s := SnapshotStatus{State: r.state("Invalid", "Overflow", "Merge failed", "Unknown")}
	if s.State == "" {
		s.UsedSectors, s.TotalSectors = r.ratio("sectors")
		if r.more() {
			s.MetadataSectors = r.number("metadata sectors")
		}
	}
	s.StatusHeader = r.tail(h)
	return s
}
