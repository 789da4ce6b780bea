package tables

// EraTable is linear to the origin and records which blocks were written in
// which era. Line: <metadata> <origin> <block> (era.rst).
type EraTable struct {
	Start          uint64 `json:"start_bytes"`  // bytes
	Length         uint64 `json:"length_bytes"` // bytes
	MetadataDevice string `json:"metadata_device"`
	OriginDevice   string `json:"origin_device"`
	BlockSize      uint64 `json:"block_size_bytes"` // bytes
}

func (t EraTable) start() uint64      { return t.Start }
func (t EraTable) length() uint64     { return t.Length }
func (t EraTable) targetType() string { return "era" }
func (t EraTable) value() Table       { return t }
func (t EraTable) devices() []string  { return []string{t.MetadataDevice, t.OriginDevice} }

func (t EraTable) params() (string, error) {
	b := builder{target: "era"}
	b.word("metadata device", t.MetadataDevice)
	b.word("origin device", t.OriginDevice)
	b.sectors("block size", t.BlockSize)
	return b.done()
}

func parseEra(start, length uint64, r *reader) Table {
	t := EraTable{Start: start, Length: length}
	t.MetadataDevice = r.word("metadata device")
	t.OriginDevice = r.word("origin device")
	t.BlockSize = r.sectors("block size")
	return t
}

func (t EraTable) check() error {
	if t.BlockSize == 0 || t.BlockSize%(8*SectorSize) != 0 {
		return failf("era", "block size", ErrInvalid, "%d sectors: want a multiple of 8", t.BlockSize/SectorSize)
	}
	return nil
}

// EraStatus is the status of an era target.
type EraStatus struct {
	StatusHeader
	State                string  `json:"state,omitempty"`        // "Error" when the kernel printed that in place of all fields; "" otherwise
	MetadataBlockSectors uint64  `json:"metadata_block_sectors"` // 512 bytes each
	UsedMetadataBlocks   uint64  `json:"used_metadata_blocks"`
	TotalMetadataBlocks  uint64  `json:"total_metadata_blocks"`
	CurrentEra           uint64  `json:"current_era"`
	HeldRoot             *uint64 `json:"held_root"` // metadata block of the metadata snapshot; nil: none
}

func (EraStatus) targetType() string { return "era" }

func (s EraStatus) write(w *statusWriter) {
	if w.state(s.State) {
		return
	}
	w.number(s.MetadataBlockSectors)
	w.ratio(s.UsedMetadataBlocks, s.TotalMetadataBlocks)
	w.number(s.CurrentEra)
	w.maybe(s.HeldRoot)
}

func parseEraStatus(h StatusHeader, r *reader) Status {
	s := EraStatus{State: r.state("Error")}
	if s.State == "" {
		s.MetadataBlockSectors = r.number("metadata block size")
		s.UsedMetadataBlocks, s.TotalMetadataBlocks = r.ratio("metadata blocks")
		s.CurrentEra = r.number("current era")
		s.HeldRoot = r.maybe("held root")
	}
	s.StatusHeader = r.tail(h)
	return s
}
