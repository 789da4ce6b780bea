package tables

// CacheTable keeps busy blocks of a slow origin on a fast device. It uses the
// sector number of the whole mapped device, whatever Start is. Line:
// <metadata> <cache dev> <origin> <block> <#f> <f>... <policy> <#args> <key
// value>... (cache.rst).
type CacheTable struct {
	Start          uint64   `json:"start_bytes"`  // bytes
	Length         uint64   `json:"length_bytes"` // bytes
	MetadataDevice string   `json:"metadata_device"`
	CacheDevice    string   `json:"cache_device"`
	OriginDevice   string   `json:"origin_device"`
	BlockSize      uint64   `json:"block_size_bytes"`      // bytes
	Features       []string `json:"features,omitempty"`    // see Options
	Policy         string   `json:"policy"`                // "smq", "mq", "cleaner", "default", or another module's
	PolicyArgs     []string `json:"policy_args,omitempty"` // key value key value …
}

// CacheOptions are the feature words of a [CacheTable].
type CacheOptions struct {
	Mode              string // "writeback" (also when not given), "writethrough" or "passthrough"
	Metadata2         bool
	NoDiscardPassdown bool
}

var cacheOptions = grammar[CacheOptions]{target: "cache", field: "features", options: []option[CacheOptions]{
	{name: "writeback", set: setCacheMode("writeback")},
	{name: "writethrough", set: setCacheMode("writethrough")},
	{name: "passthrough", set: setCacheMode("passthrough")},
	{name: "metadata2", set: toggle(func(o *CacheOptions) *bool { return &o.Metadata2 })},
	{name: "no_discard_passdown", set: toggle(func(o *CacheOptions) *bool { return &o.NoDiscardPassdown })},
}}

func setCacheMode(mode string) func(*CacheOptions, option1) error {
	return func(o *CacheOptions, _ option1) error {
		if o.Mode != "" {
			return &finding{ErrSyntax, mode, "only one mode, " + o.Mode + " stands before it"}
		}
		o.Mode = mode
		return nil
	}
}

// Options reads the feature words.
func (t CacheTable) Options() (CacheOptions, error) {
	var o CacheOptions
	err := cacheOptions.parse(&o, t.Features)
	if o.Mode == "" {
		o.Mode = "writeback"
	}
	return o, err
}

func (t CacheTable) start() uint64      { return t.Start }
func (t CacheTable) length() uint64     { return t.Length }
func (t CacheTable) targetType() string { return "cache" }
func (t CacheTable) value() Table       { return t }

func (t CacheTable) devices() []string {
	return []string{t.MetadataDevice, t.CacheDevice, t.OriginDevice}
}

// maxCacheWords is the kernel's limit of feature words.
const maxCacheWords = 3

func (t CacheTable) params() (string, error) {
	b := builder{target: "cache"}
	_, err := t.Options()
	b.check(err)
	b.limit("features", t.Features, maxCacheWords)
	b.check(t.evenArgs())
	b.word("metadata device", t.MetadataDevice)
	b.word("cache device", t.CacheDevice)
	b.word("origin device", t.OriginDevice)
	b.sectors("block size", t.BlockSize)
	b.group("features", t.Features)
	b.word("policy", t.Policy)
	b.group("policy args", t.PolicyArgs)
	return b.done()
}

func (t CacheTable) evenArgs() error {
	if len(t.PolicyArgs)%2 != 0 {
		return failf("cache", "policy args", ErrSyntax, "found %d words, want pairs of key and value", len(t.PolicyArgs))
	}
	return nil
}

func parseCache(start, length uint64, r *reader) Table {
	t := CacheTable{Start: start, Length: length}
	t.MetadataDevice = r.word("metadata device")
	t.CacheDevice = r.word("cache device")
	t.OriginDevice = r.word("origin device")
	t.BlockSize = r.sectors("block size")
	t.Features = r.group("features", maxCacheWords)
	_, err := t.Options()
	r.check(err)
	t.Policy = r.word("policy")
	t.PolicyArgs = r.group("policy args", noLimit)
	r.check(t.evenArgs())
	return t
}

// Limits of the cache block, in sectors: 32 KiB to 1 GiB.
const minCacheBlock, maxCacheBlock = 64, 2097152

func (t CacheTable) check() error {
	return checkBlock("cache", t.BlockSize, minCacheBlock, maxCacheBlock)
}
