package tables

// PcacheTable is a write-back cache in persistent memory. Line: <pmem dev>
// <backing dev> [<#p> <key value>...] (targets.md 12).
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
