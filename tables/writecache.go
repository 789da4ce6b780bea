package tables

import "strconv"

// WritecacheTable collects writes on a fast device. Line: <p|s> <origin>
// <cache> <block bytes> <#o> <o>... (writecache.rst).
type WritecacheTable struct {
	Start       uint64   `json:"start_bytes"`  // bytes
	Length      uint64   `json:"length_bytes"` // bytes
	Type        uint64   `json:"type"`         // 0: p, persistent memory; 1: s, SSD
	DataDevice  string   `json:"data_device"`
	CacheDevice string   `json:"cache_device"`
	BlockSize   uint64   `json:"block_size_bytes"`   // bytes, on the line too
	Features    []string `json:"features,omitempty"` // option words, values included; see Options
}

// WritecacheOptions are the option words of a [WritecacheTable]; 0 means not
// given, or the kernel's default.
type WritecacheOptions struct {
	StartOffset      uint64 // start_sector, in bytes on the cache device
	HighWatermark    uint64 // percent
	LowWatermark     uint64 // percent
	WritebackJobs    uint64
	AutocommitBlocks uint64
	AutocommitTime   uint64 // milliseconds
	MaxAge           uint64 // milliseconds
	Cleaner          bool
	FUA, NoFUA       bool // persistent memory only
	MetadataOnly     bool
	PauseWriteback   uint64 // milliseconds, SSD only
}

var writecacheOptions = grammar[WritecacheOptions]{target: "writecache", field: "options", options: []option[WritecacheOptions]{
	{name: "start_sector", values: 1, set: inSectors(func(o *WritecacheOptions) *uint64 { return &o.StartOffset })},
	{name: "high_watermark", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.HighWatermark }, 0, 100)},
	{name: "low_watermark", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.LowWatermark }, 0, 100)},
	{name: "writeback_jobs", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.WritebackJobs }, 0, 1<<32-1)},
	{name: "autocommit_blocks", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.AutocommitBlocks }, 0, 1<<32-1)},
	{name: "autocommit_time", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.AutocommitTime }, 0, 3600000)},
	{name: "max_age", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.MaxAge }, 0, 86400000)},
	{name: "cleaner", set: toggle(func(o *WritecacheOptions) *bool { return &o.Cleaner })},
	{name: "fua", set: toggle(func(o *WritecacheOptions) *bool { return &o.FUA })},
	{name: "nofua", set: toggle(func(o *WritecacheOptions) *bool { return &o.NoFUA })},
	{name: "metadata_only", set: toggle(func(o *WritecacheOptions) *bool { return &o.MetadataOnly })},
	{name: "pause_writeback", values: 1, set: numeric(func(o *WritecacheOptions) *uint64 { return &o.PauseWriteback }, 0, 60000)},
}}

// Options reads the option words.
func (t WritecacheTable) Options() (WritecacheOptions, error) {
	var o WritecacheOptions
	err := writecacheOptions.parse(&o, t.Features)
	return o, err
}

func (t WritecacheTable) start() uint64      { return t.Start }
func (t WritecacheTable) length() uint64     { return t.Length }
func (t WritecacheTable) targetType() string { return "writecache" }
func (t WritecacheTable) value() Table       { return t }
func (t WritecacheTable) devices() []string  { return []string{t.DataDevice, t.CacheDevice} }

// maxWritecacheWords is the kernel's limit of option words.
const maxWritecacheWords = 18

func (t WritecacheTable) params() (string, error) {
	b := builder{target: "writecache"}
	_, err := t.Options()
	b.check(err)
	b.limit("options", t.Features, maxWritecacheWords)
	switch t.Type {
	case 0:
		b.word("type", "p")
	case 1:
		b.word("type", "s")
	default:
		b.failf("type", ErrSyntax, "found %d, want 0 (p) or 1 (s)", t.Type)
	}
	b.word("data device", t.DataDevice)
	b.word("cache device", t.CacheDevice)
	b.number(t.BlockSize)
	b.group("options", t.Features)
	return b.done()
}

func parseWritecache(start, length uint64, r *reader) Table {
	t := WritecacheTable{Start: start, Length: length}
	kind, err := oneOf(r.word("type"), "p", "s")
	if err != nil {
		r.fail("type", err)
	}
	if kind == "s" {
		t.Type = 1
	}
	t.DataDevice = r.word("data device")
	t.CacheDevice = r.word("cache device")
	t.BlockSize = r.number("block size")
	t.Features = r.group("options", maxWritecacheWords)
	_, err = t.Options()
	r.check(err)
	return t
}

func (t WritecacheTable) check() error {
	o, err := t.Options()
	switch {
	case err != nil:
		return err
	case !powerOfTwo(t.BlockSize, SectorSize, maxPage):
		return failf("writecache", "block size", ErrInvalid, "%d bytes: want a power of two, 512 to %d", t.BlockSize, maxPage)
	case t.Type == 1 && (o.FUA || o.NoFUA):
		return failf("writecache", "fua", ErrInvalid, "fua and nofua are for persistent memory (p)")
	case o.FUA && o.NoFUA:
		return failf("writecache", "fua", ErrInvalid, "it conflicts with nofua")
	case t.Type == 0 && o.PauseWriteback != 0:
		return failf("writecache", "pause_writeback", ErrInvalid, "it is for an SSD (s)")
	}
	return nil
}

// WritecacheStatus is the status of a writecache target. Counters count since
// the table was loaded or the message clear_stats; an older kernel prints the
// first four fields only.
type WritecacheStatus struct {
	StatusHeader
	Errors               uint64 `json:"errors"`                 // 0: there was none
	Blocks               uint64 `json:"blocks"`                 // of the cache
	FreeBlocks           uint64 `json:"free_blocks"`            // of the cache
	WritebackBlocks      uint64 `json:"writeback_blocks"`       // being written back now
	Reads                uint64 `json:"reads"`                  // read requests
	ReadHits             uint64 `json:"read_hits"`              // of them, from the cache
	Writes               uint64 `json:"writes"`                 // write requests
	WriteHitsUncommitted uint64 `json:"write_hits_uncommitted"` // of them, on uncommitted blocks
	WriteHitsCommitted   uint64 `json:"write_hits_committed"`   // of them, on committed blocks
	WritesAround         uint64 `json:"writes_around"`          // of them, past the cache
	WritesAllocate       uint64 `json:"writes_allocate"`        // of them, on new blocks
	WritesBlocked        uint64 `json:"writes_blocked"`         // of them, that waited for a free block
	Flushes              uint64 `json:"flushes"`                // flush requests
	Discards             uint64 `json:"discards"`               // discard requests
}

func (WritecacheStatus) targetType() string { return "writecache" }

// fields are the numbers in the order of the text; the first printedStats are
// those of every kernel.
func (s *WritecacheStatus) fields() []*uint64 {
	return []*uint64{
		&s.Errors, &s.Blocks, &s.FreeBlocks, &s.WritebackBlocks,
		&s.Reads, &s.ReadHits, &s.Writes, &s.WriteHitsUncommitted, &s.WriteHitsCommitted,
		&s.WritesAround, &s.WritesAllocate, &s.WritesBlocked, &s.Flushes, &s.Discards,
	}
}

const printedStats = 4

func (s WritecacheStatus) write(w *statusWriter) {
	for _, n := range s.fields() {
		w.number(*n)
	}
}

func parseWritecacheStatus(h StatusHeader, r *reader) Status {
	var s WritecacheStatus
	for i, n := range s.fields() {
		if i == printedStats && !r.more() {
			break
		}
		*n = r.number("number " + strconv.Itoa(i+1))
	}
	s.StatusHeader = r.tail(h)
	return s
}
