package tables

// ThinPoolTable holds the blocks that thin devices share. Line:
// <metadata dev> <data dev> <block> <low water> [<#f> <f>...] (thin-provisioning.rst).
type ThinPoolTable struct {
	Start          uint64   `json:"start_bytes"`  // bytes
	Length         uint64   `json:"length_bytes"` // bytes
	MetadataDevice string   `json:"metadata_device"`
	DataDevice     string   `json:"data_device"`
	DataBlockSize  uint64   `json:"data_block_size_bytes"` // bytes
	LowWaterMark   uint64   `json:"low_water_mark_blocks"` // free data blocks
	Features       []string `json:"features,omitempty"`    // see Options
}

// ThinPoolOptions are the feature words of a [ThinPoolTable].
type ThinPoolOptions struct {
	SkipBlockZeroing  bool
	IgnoreDiscard     bool
	NoDiscardPassdown bool
	ReadOnly          bool
	ErrorIfNoSpace    bool
}

var thinPoolOptions = grammar[ThinPoolOptions]{target: "thin-pool", field: "features", options: []option[ThinPoolOptions]{
	{name: "skip_block_zeroing", set: toggle(func(o *ThinPoolOptions) *bool { return &o.SkipBlockZeroing })},
	{name: "ignore_discard", set: toggle(func(o *ThinPoolOptions) *bool { return &o.IgnoreDiscard })},
	{name: "no_discard_passdown", set: toggle(func(o *ThinPoolOptions) *bool { return &o.NoDiscardPassdown })},
	{name: "read_only", set: toggle(func(o *ThinPoolOptions) *bool { return &o.ReadOnly })},
	{name: "error_if_no_space", set: toggle(func(o *ThinPoolOptions) *bool { return &o.ErrorIfNoSpace })},
}}

// Options reads the feature words.
func (t ThinPoolTable) Options() (ThinPoolOptions, error) {
	var o ThinPoolOptions
	err := thinPoolOptions.parse(&o, t.Features)
	return o, err
}

func (t ThinPoolTable) start() uint64      { return t.Start }
func (t ThinPoolTable) length() uint64     { return t.Length }
func (t ThinPoolTable) targetType() string { return "thin-pool" }
func (t ThinPoolTable) value() Table       { return t }
func (t ThinPoolTable) devices() []string  { return []string{t.MetadataDevice, t.DataDevice} }

// maxThinPoolWords is the kernel's limit: one less than there are features.
const maxThinPoolWords = 4

func (t ThinPoolTable) params() (string, error) {
	b := builder{target: "thin-pool"}
	_, err := t.Options()
	b.check(err)
	b.limit("features", t.Features, maxThinPoolWords)
	b.word("metadata device", t.MetadataDevice)
	b.word("data device", t.DataDevice)
	b.sectors("block size", t.DataBlockSize)
	b.number(t.LowWaterMark)
	b.group("features", t.Features)
	return b.done()
}

func parseThinPool(start, length uint64, r *reader) Table {
	t := ThinPoolTable{Start: start, Length: length}
	t.MetadataDevice = r.word("metadata device")
	t.DataDevice = r.word("data device")
	t.DataBlockSize = r.sectors("block size")
	t.LowWaterMark = r.number("low water mark")
	t.Features = r.optionalGroup("features", maxThinPoolWords)
	_, err := t.Options()
	r.check(err)
	return t
}

// Limits of the data block, in sectors: 64 KiB to 1 GiB.
const minThinBlock, maxThinBlock = 128, 2097152

func (t ThinPoolTable) check() error {
	if t.MetadataDevice == t.DataDevice {
		return failf("thin-pool", "data device", ErrInvalid, "it is the metadata device too")
	}
	return checkBlock("thin-pool", t.DataBlockSize, minThinBlock, maxThinBlock)
}
