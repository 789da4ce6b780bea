package tables

import "strconv"

// PcacheTable is a write-back cache in persistent memory. Line: <pmem dev>
// <backing dev> [<#p> <key value>...] (dm-pcache.rst).
type PcacheTable struct {
	Start         uint64   `json:"start_bytes"`  // bytes
	Length        uint64   `json:"length_bytes"` // bytes
	CacheDevice   string   `json:"cache_device"` // persistent memory
	BackingDevice string   `json:"backing_device"`
	Params        []string `json:"params,omitempty"` // key value key value …; see Options
}

// PcacheOptions are the optional words of a [PcacheTable]; "" means not given.
type PcacheOptions struct {
	CacheMode string // "writeback"
	DataCRC   string // "true" or "false"
}

var pcacheOptions = grammar[PcacheOptions]{target: "pcache", field: "params", options: []option[PcacheOptions]{
	{name: "cache_mode", values: 1, set: choice(func(o *PcacheOptions) *string { return &o.CacheMode }, "writeback")},
	{name: "data_crc", values: 1, set: choice(func(o *PcacheOptions) *string { return &o.DataCRC }, "true", "false")},
}}

// Options reads the optional words.
func (t PcacheTable) Options() (PcacheOptions, error) {
	var o PcacheOptions
	err := pcacheOptions.parse(&o, t.Params)
	return o, err
}

func (t PcacheTable) start() uint64      { return t.Start }
func (t PcacheTable) length() uint64     { return t.Length }
func (t PcacheTable) targetType() string { return "pcache" }
func (t PcacheTable) value() Table       { return t }
func (t PcacheTable) devices() []string  { return []string{t.CacheDevice, t.BackingDevice} }

func (t PcacheTable) params() (string, error) {
	b := builder{target: "pcache"}
	_, err := t.Options()
	b.check(err)
	b.word("cache device", t.CacheDevice)
	b.word("backing device", t.BackingDevice)
	b.optionalGroup("params", t.Params)
	return b.done()
}

func parsePcache(start, length uint64, r *reader) Table {
	t := PcacheTable{Start: start, Length: length}
	t.CacheDevice = r.word("cache device")
	t.BackingDevice = r.word("backing device")
	t.Params = r.optionalGroup("params", noLimit)
	_, err := t.Options()
	r.check(err)
	return t
}

// PcachePosition is a place in the log of a [PcacheStatus].
type PcachePosition struct {
	Segment uint64 `json:"segment"`
	Offset  uint64 `json:"offset_bytes"` // bytes from the start of the segment
}

// PcacheStatus is the status of a pcache target.
type PcacheStatus struct {
	StatusHeader
	SuperblockFlags uint64         `json:"superblock_flags"`
	Segments        uint64         `json:"segments"`       // of the device, 16 MiB each
	CacheSegments   uint64         `json:"cache_segments"` // of them, for data
	UsedSegments    uint64         `json:"used_segments"`  // of them, allocated now
	GCPercent       uint64         `json:"gc_percent"`     // fill level at which collection begins
	CacheFlags      uint64         `json:"cache_flags"`    // bit 0: data has checksums; bit 1: initialised; bits 2 to 5: mode
	KeyHead         PcachePosition `json:"key_head"`       // where new keys are written
	DirtyTail       PcachePosition `json:"dirty_tail"`     // first keys that were not written back
	KeyTail         PcachePosition `json:"key_tail"`       // first keys that may be collected
}

func (PcacheStatus) targetType() string { return "pcache" }

func (s PcacheStatus) write(w *statusWriter) {
	w.numbers(s.SuperblockFlags, s.Segments, s.CacheSegments, s.UsedSegments, s.GCPercent, s.CacheFlags)
	for _, p := range []PcachePosition{s.KeyHead, s.DirtyTail, s.KeyTail} {
		w.word("", strconv.FormatUint(p.Segment, 10)+":"+strconv.FormatUint(p.Offset, 10))
	}
}

func parsePcacheStatus(h StatusHeader, r *reader) Status {
	var s PcacheStatus
	s.SuperblockFlags, s.Segments = r.number("superblock flags"), r.number("segments")
	s.CacheSegments, s.UsedSegments = r.number("cache segments"), r.number("used segments")
	s.GCPercent, s.CacheFlags = r.number("gc percent"), r.number("cache flags")
	s.KeyHead, s.DirtyTail, s.KeyTail = readPcachePosition(r, "key head"), readPcachePosition(r, "dirty tail"), readPcachePosition(r, "key tail")
	s.StatusHeader = r.tail(h)
	return s
}

func readPcachePosition(r *reader, field string) (p PcachePosition) {
	if w := r.word(field); r.err == nil {
		p.Segment, p.Offset = r.pair(field, w, ":", "segment:offset")
	}
	return p
}
