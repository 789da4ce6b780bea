package tables

// VDOTable is a deduplicating, compressing volume. Line: V4 <dev> <blocks>
// <min io> <cache blocks> <era> [<key> <value>]...; blocks are 4096 bytes
// (vdo.rst).
type VDOTable struct {
	Start         uint64   `json:"start_bytes"`  // bytes
	Length        uint64   `json:"length_bytes"` // bytes
	Device        string   `json:"device"`
	Blocks        uint64   `json:"blocks"`                // of the backing device, 4096 bytes each
	MinimumIOSize uint64   `json:"minimum_io_size_bytes"` // bytes: 512 or 4096
	CacheBlocks   uint64   `json:"cache_blocks"`          // block map cache, 4096 bytes each
	Era           uint64   `json:"era_blocks"`            // block map era length
	Params        []string `json:"params,omitempty"`      // key value key value …; see Options
}

// VDOOptions are the optional words of a [VDOTable]; 0 and "" mean not given.
// The thread counts carry the kernel's names.
type VDOOptions struct {
	Ack, Bio, BioRotationInterval, CPU, Hash, Logical, Physical uint64
	MaxDiscard                                                  uint64 // 4096-byte blocks
	Deduplication, Compression                                  string // "on" or "off"
}

var vdoOptions = grammar[VDOOptions]{target: "vdo", field: "params", exactCase: true, options: []option[VDOOptions]{
	{name: "ack", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.Ack }, 0, 1<<32-1)},
	{name: "bio", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.Bio }, 0, 1<<32-1)},
	{name: "bioRotationInterval", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.BioRotationInterval }, 0, 1<<32-1)},
	{name: "cpu", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.CPU }, 0, 1<<32-1)},
	{name: "hash", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.Hash }, 0, 1<<32-1)},
	{name: "logical", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.Logical }, 0, 1<<32-1)},
	{name: "physical", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.Physical }, 0, 1<<32-1)},
	{name: "maxDiscard", values: 1, set: numeric(func(o *VDOOptions) *uint64 { return &o.MaxDiscard }, 0, 1<<32-1)},
	{name: "deduplication", values: 1, set: choice(func(o *VDOOptions) *string { return &o.Deduplication }, "on", "off")},
	{name: "compression", values: 1, set: choice(func(o *VDOOptions) *string { return &o.Compression }, "on", "off")},
}}

// Options reads the optional words.
func (t VDOTable) Options() (VDOOptions, error) {
	var o VDOOptions
	err := vdoOptions.parse(&o, t.Params)
	return o, err
}

func (t VDOTable) start() uint64      { return t.Start }
func (t VDOTable) length() uint64     { return t.Length }
func (t VDOTable) targetType() string { return "vdo" }
func (t VDOTable) value() Table       { return t }
func (t VDOTable) devices() []string  { return []string{t.Device} }

// vdoVersion is the only version of the line that kernels take.
const vdoVersion = "V4"

func (t VDOTable) params() (string, error) {
	b := builder{target: "vdo"}
	_, err := t.Options()
	b.check(err)
	b.word("version", vdoVersion)
	b.word("device", t.Device)
	b.number(t.Blocks)
	b.number(t.MinimumIOSize)
	b.number(t.CacheBlocks)
	b.number(t.Era)
	b.list("params", t.Params)
	return b.done()
}

func parseVDO(start, length uint64, r *reader) Table {
	t := VDOTable{Start: start, Length: length}
	if v := r.word("version"); v != vdoVersion {
		r.fail("version", &finding{ErrSyntax, v, vdoVersion})
	}
	t.Device = r.word("device")
	t.Blocks = r.number("blocks")
	t.MinimumIOSize = r.number("minimum io size")
	t.CacheBlocks = r.number("cache blocks")
	t.Era = r.number("era")
	t.Params = r.rest()
	_, err := t.Options()
	r.check(err)
	return t
}

func (t VDOTable) check() error {
	if t.MinimumIOSize != 512 && t.MinimumIOSize != 4096 {
		return failf("vdo", "minimum io size", ErrInvalid, "%d bytes: want 512 or 4096", t.MinimumIOSize)
	}
	return nil
}

// VDOStatus is the status of a vdo target.
type VDOStatus struct {
	StatusHeader
	Device            string `json:"device"`             // that holds the volume
	Mode              string `json:"mode"`               // "normal", "recovering" or "read-only"
	Recovering        bool   `json:"recovering"`         // "recovering"; false: "-"
	Index             string `json:"index"`              // "online", "offline", "opening", "closing", "closed", "error" or "unknown"
	CompressionOnline bool   `json:"compression_online"` // "online"; false: "offline"
	UsedBlocks        uint64 `json:"used_blocks"`        // physical, 4096 bytes each
	TotalBlocks       uint64 `json:"total_blocks"`       // physical, 4096 bytes each
}

func (VDOStatus) targetType() string { return "vdo" }

func (s VDOStatus) write(w *statusWriter) {
	w.word("device", s.Device)
	w.word("mode", s.Mode)
	w.flag(s.Recovering, "recovering", none)
	w.word("index", s.Index)
	w.flag(s.CompressionOnline, "online", "offline")
	w.numbers(s.UsedBlocks, s.TotalBlocks)
}

func parseVDOStatus(h StatusHeader, r *reader) Status {
	s := VDOStatus{Device: r.word("device"), Mode: r.word("mode"), Recovering: r.flag("recovery", "recovering", none)}
	s.Index, s.CompressionOnline = r.word("index"), r.flag("compression", "online", "offline")
	s.UsedBlocks, s.TotalBlocks = r.number("used blocks"), r.number("total blocks")
	s.StatusHeader = r.tail(h)
	return s
}
