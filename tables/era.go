package tables

// EraTable is linear to the origin and records which blocks were written in
// which era. Line: <metadata> <origin> <block> (targets.md 5.4).
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
