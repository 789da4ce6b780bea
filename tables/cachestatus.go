package tables

// CacheStatus is the status of a cache target (cache.rst).
type CacheStatus struct {
	StatusHeader
	// State is "Fail" or "Error" when the kernel printed that in place of all
	// fields, which are then zero; "" otherwise.
	State                string   `json:"state,omitempty"`
	MetadataBlockSectors uint64   `json:"metadata_block_sectors"` // 512 bytes each
	UsedMetadataBlocks   uint64   `json:"used_metadata_blocks"`
	TotalMetadataBlocks  uint64   `json:"total_metadata_blocks"`
	CacheBlockSectors    uint64   `json:"cache_block_sectors"` // 512 bytes each
	UsedCacheBlocks      uint64   `json:"used_cache_blocks"`
	TotalCacheBlocks     uint64   `json:"total_cache_blocks"`
	ReadHits             uint64   `json:"read_hits"`
	ReadMisses           uint64   `json:"read_misses"`
	WriteHits            uint64   `json:"write_hits"`
	WriteMisses          uint64   `json:"write_misses"`
	Demotions            uint64   `json:"demotions"`  // blocks that left the cache
	Promotions           uint64   `json:"promotions"` // blocks that came into it
	DirtyBlocks          uint64   `json:"dirty_blocks"`
	Features             []string `json:"features,omitempty"`  // "writeback", "metadata2", …
	CoreArgs             []string `json:"core_args,omitempty"` // key value key value …
	Policy               string   `json:"policy"`
	PolicyArgs           []string `json:"policy_args,omitempty"` // key value key value …
	Mode                 string   `json:"mode"`                  // of the metadata: "rw" or "ro"
	NeedsCheck           bool     `json:"needs_check"`           // the metadata must be checked and repaired
}

func (CacheStatus) targetType() string { return "cache" }

func (s CacheStatus) write(w *statusWriter) {
	if w.state(s.State) {
		return
	}
	w.number(s.MetadataBlockSectors)
	w.ratio(s.UsedMetadataBlocks, s.TotalMetadataBlocks)
	w.number(s.CacheBlockSectors)
	w.ratio(s.UsedCacheBlocks, s.TotalCacheBlocks)
	w.numbers(s.ReadHits, s.ReadMisses, s.WriteHits, s.WriteMisses, s.Demotions, s.Promotions, s.DirtyBlocks)
	w.group("features", s.Features)
	w.group("core args", s.CoreArgs)
	w.word("policy", s.Policy)
	w.group("policy args", s.PolicyArgs)
	bare := len(w.words) // older kernels end here, without a blank
	w.word("mode", s.Mode)
	w.flag(s.NeedsCheck, needsCheck, none)
	w.closed = s.Printed != bare
}

func parseCacheStatus(h StatusHeader, r *reader) Status {
	s := CacheStatus{State: r.state("Fail", "Error")}
	if s.State == "" {
		s.read(r)
	}
	s.StatusHeader = r.tail(h)
	return s
}

func (s *CacheStatus) read(r *reader) {
	s.MetadataBlockSectors = r.number("metadata block size")
	s.UsedMetadataBlocks, s.TotalMetadataBlocks = r.ratio("metadata blocks")
	s.CacheBlockSectors = r.number("cache block size")
	s.UsedCacheBlocks, s.TotalCacheBlocks = r.ratio("cache blocks")
	s.ReadHits, s.ReadMisses = r.number("read hits"), r.number("read misses")
	s.WriteHits, s.WriteMisses = r.number("write hits"), r.number("write misses")
	s.Demotions, s.Promotions = r.number("demotions"), r.number("promotions")
	s.DirtyBlocks = r.number("dirty blocks")
	s.Features = r.group("features", noLimit)
	s.CoreArgs = r.group("core args", noLimit)
	s.Policy = r.word("policy")
	s.PolicyArgs = r.group("policy args", noLimit)
	if r.more() {
		s.Mode = r.word("mode")
	}
	if r.more() {
		s.NeedsCheck = r.flag("needs check", needsCheck, none)
	}
}
