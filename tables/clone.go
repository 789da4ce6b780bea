package tables

// CloneTable copies a source to a destination in the background while both are
// used as one device. Line: <metadata> <destination> <source> <region>
// [<#f> <f>... [<#c> <key value>...]] (dm-clone.rst). A count of 0 features
// that nothing follows is not kept.
type CloneTable struct {
	Start             uint64   `json:"start_bytes"`  // bytes
	Length            uint64   `json:"length_bytes"` // bytes
	MetadataDevice    string   `json:"metadata_device"`
	DestinationDevice string   `json:"destination_device"`
	SourceDevice      string   `json:"source_device"`
	RegionSize        uint64   `json:"region_size_bytes"`   // bytes
	Features          []string `json:"features,omitempty"`  // see Options
	CoreArgs          []string `json:"core_args,omitempty"` // key value …; see Options
}

// CloneOptions are the feature words and core arguments of a [CloneTable].
type CloneOptions struct {
	NoHydration        bool
	NoDiscardPassdown  bool
	HydrationThreshold uint64 // regions; 0: the kernel's default
	HydrationBatchSize uint64 // regions; 0: the kernel's default
}

var cloneFeatures = grammar[CloneOptions]{target: "clone", field: "features", options: []option[CloneOptions]{
	{name: "no_hydration", set: toggle(func(o *CloneOptions) *bool { return &o.NoHydration })},
	{name: "no_discard_passdown", set: toggle(func(o *CloneOptions) *bool { return &o.NoDiscardPassdown })},
}}

var cloneArgs = grammar[CloneOptions]{target: "clone", field: "core args", options: []option[CloneOptions]{
	{name: "hydration_threshold", values: 1, set: numeric(func(o *CloneOptions) *uint64 { return &o.HydrationThreshold }, 0, 1<<32-1)},
	{name: "hydration_batch_size", values: 1, set: numeric(func(o *CloneOptions) *uint64 { return &o.HydrationBatchSize }, 0, 1<<32-1)},
}}

// Options reads the feature words and core arguments.
func (t CloneTable) Options() (CloneOptions, error) {
	var o CloneOptions
	if err := cloneFeatures.parse(&o, t.Features); err != nil {
		return o, err
	}
	err := cloneArgs.parse(&o, t.CoreArgs)
	return o, err
}

func (t CloneTable) start() uint64      { return t.Start }
func (t CloneTable) length() uint64     { return t.Length }
func (t CloneTable) targetType() string { return "clone" }
func (t CloneTable) value() Table       { return t }

func (t CloneTable) devices() []string {
	return []string{t.MetadataDevice, t.DestinationDevice, t.SourceDevice}
}

func (t CloneTable) params() (string, error) {
	b := builder{target: "clone"}
	_, err := t.Options()
	b.check(err)
	b.word("metadata device", t.MetadataDevice)
	b.word("destination device", t.DestinationDevice)
	b.word("source device", t.SourceDevice)
	b.sectors("region size", t.RegionSize)
	if len(t.Features) > 0 || len(t.CoreArgs) > 0 {
		b.group("features", t.Features)
	}
	b.optionalGroup("core args", t.CoreArgs)
	return b.done()
}

func parseClone(start, length uint64, r *reader) Table {
	t := CloneTable{Start: start, Length: length}
	t.MetadataDevice = r.word("metadata device")
	t.DestinationDevice = r.word("destination device")
	t.SourceDevice = r.word("source device")
	t.RegionSize = r.sectors("region size")
	t.Features = r.optionalGroup("features", noLimit)
	t.CoreArgs = r.optionalGroup("core args", noLimit)
	_, err := t.Options()
	r.check(err)
	return t
}

// Limits of a clone: region size in bytes, number of regions.
const (
	minCloneRegion  = 8 * SectorSize
	maxCloneRegion  = 2097152 * SectorSize
	maxCloneRegions = 1 << 31
)

func (t CloneTable) check() error {
	if !powerOfTwo(t.RegionSize, minCloneRegion, maxCloneRegion) {
		return failf("clone", "region size", ErrInvalid, "%d sectors: want a power of two, 8 to 2097152", t.RegionSize/SectorSize)
	}
	if (t.Length-1)/t.RegionSize >= maxCloneRegions {
		return failf("clone", "region size", ErrInvalid, "%d bytes make more than 2^31 regions", t.RegionSize)
	}
	return nil
}

// CloneStatus is the status of a clone target.
type CloneStatus struct {
	StatusHeader
	// State is "Fail" or "Error" when the kernel printed that in place of all
	// fields, which are then zero; "" otherwise.
	State                string   `json:"state,omitempty"`
	MetadataBlockSectors uint64   `json:"metadata_block_sectors"` // 512 bytes each
	UsedMetadataBlocks   uint64   `json:"used_metadata_blocks"`
	TotalMetadataBlocks  uint64   `json:"total_metadata_blocks"`
	RegionSectors        uint64   `json:"region_sectors"`      // 512 bytes each
	HydratedRegions      uint64   `json:"hydrated_regions"`    // copied from the source
	Regions              uint64   `json:"regions"`             // all of them
	HydratingRegions     uint64   `json:"hydrating_regions"`   // being copied now
	Features             []string `json:"features,omitempty"`  // "no_hydration", "no_discard_passdown"
	CoreArgs             []string `json:"core_args,omitempty"` // key value key value …
	Mode                 string   `json:"mode"`                // of the metadata: "rw", "ro" or "Fail"
}

func (CloneStatus) targetType() string { return "clone" }

func (s CloneStatus) write(w *statusWriter) {
	if w.state(s.State) {
		return
	}
	w.number(s.MetadataBlockSectors)
	w.ratio(s.UsedMetadataBlocks, s.TotalMetadataBlocks)
	w.number(s.RegionSectors)
	w.ratio(s.HydratedRegions, s.Regions)
	w.number(s.HydratingRegions)
	w.group("features", s.Features)
	w.group("core args", s.CoreArgs)
	w.word("mode", s.Mode)
}

func parseCloneStatus(h StatusHeader, r *reader) Status {
	s := CloneStatus{State: r.state("Fail", "Error")}
	if s.State == "" {
		s.MetadataBlockSectors = r.number("metadata block size")
		s.UsedMetadataBlocks, s.TotalMetadataBlocks = r.ratio("metadata blocks")
		s.RegionSectors = r.number("region size")
		s.HydratedRegions, s.Regions = r.ratio("regions")
		s.HydratingRegions = r.number("hydrating regions")
		s.Features = r.group("features", noLimit)
		s.CoreArgs = r.group("core args", noLimit)
		s.Mode = r.word("mode")
	}
	s.StatusHeader = r.tail(h)
	return s
}
