package tables

// IntegrityTable keeps a tag for every block. Line: <dev> <reserved> <tag
// size|-> <J|B|D|R|I> <#o> <o>...; modes and options are case-sensitive
// (dm-integrity.rst).
//
// Features holds the option words as they stand on the line, among them
// internal_hash:, journal_crypt: and journal_mac: with their keys in clear. The
// table itself prints with keys masked, with fmt and as JSON; the bare slice
// does not. [IntegrityTable.Options] gives the typed view.
type IntegrityTable struct {
	Start    uint64   // bytes
	Length   uint64   // bytes
	Device   string   // holds data, and metadata unless meta_device is given
	Offset   uint64   // bytes reserved at the start of Device
	TagSize  uint64   // bytes, 1 to 255; 0: the digest size of internal_hash (-)
	Mode     string   // "J" journal, "B" bitmap, "D" direct, "R" recovery, "I" inline
	Features []string // option words; see Options
}

// IntegrityOptions are the option words of an [IntegrityTable]; 0, "" and
// false mean not given.
type IntegrityOptions struct {
	JournalSectors      uint64 // only used when formatting
	InterleaveSectors   uint64 // only used when formatting
	BufferSectors       uint64
	JournalWatermark    uint64 // percent
	CommitTime          uint64 // milliseconds
	InternalHash        IntegrityAlgorithm
	JournalCrypt        IntegrityAlgorithm
	JournalMAC          IntegrityAlgorithm
	BlockSize           uint64 // bytes; 0 means 512
	MetaDevice          string
	Recalculate         bool
	ResetRecalculate    bool
	SectorsPerBit       uint64
	BitmapFlushInterval uint64 // milliseconds
	FixPadding          bool
	FixHMAC             bool
	LegacyRecalculate   bool
	AllowDiscards       bool
	AllowDiscardsKeyed  bool
}

// max32 bounds the numbers that the kernel keeps in 32 bits.
const max32 = 1<<32 - 1

var integrityOptions = grammar[IntegrityOptions]{target: "integrity", field: "options", exactCase: true, options: []option[IntegrityOptions]{
	{name: "journal_sectors", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.JournalSectors }, 0, max32)},
	{name: "interleave_sectors", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.InterleaveSectors }, 0, max32)},
	{name: "buffer_sectors", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.BufferSectors }, 0, max32)},
	{name: "journal_watermark", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.JournalWatermark }, 0, 100)},
	{name: "commit_time", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.CommitTime }, 0, max32)},
	{name: "internal_hash", colon: true, set: setAlgorithm(func(o *IntegrityOptions) *IntegrityAlgorithm { return &o.InternalHash })},
	{name: "journal_crypt", colon: true, set: setAlgorithm(func(o *IntegrityOptions) *IntegrityAlgorithm { return &o.JournalCrypt })},
	{name: "journal_mac", colon: true, set: setAlgorithm(func(o *IntegrityOptions) *IntegrityAlgorithm { return &o.JournalMAC })},
	{name: "block_size", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.BlockSize }, SectorSize, 4096)},
	{name: "meta_device", colon: true, set: textual(func(o *IntegrityOptions) *string { return &o.MetaDevice })},
	{name: "recalculate", set: toggle(func(o *IntegrityOptions) *bool { return &o.Recalculate })},
	{name: "reset_recalculate", set: toggle(func(o *IntegrityOptions) *bool { return &o.ResetRecalculate })},
	{name: "sectors_per_bit", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.SectorsPerBit }, 0, noLimit)},
	{name: "bitmap_flush_interval", colon: true, set: numeric(func(o *IntegrityOptions) *uint64 { return &o.BitmapFlushInterval }, 0, max32)},
	{name: "fix_padding", set: toggle(func(o *IntegrityOptions) *bool { return &o.FixPadding })},
	{name: "fix_hmac", set: toggle(func(o *IntegrityOptions) *bool { return &o.FixHMAC })},
	{name: "legacy_recalculate", set: toggle(func(o *IntegrityOptions) *bool { return &o.LegacyRecalculate })},
	{name: "allow_discards", set: toggle(func(o *IntegrityOptions) *bool { return &o.AllowDiscards })},
	{name: "allow_discards_keyed", set: toggle(func(o *IntegrityOptions) *bool { return &o.AllowDiscardsKeyed })},
}}

// Options reads the option words. The keys in the result are the caller's.
func (t IntegrityTable) Options() (IntegrityOptions, error) {
	var o IntegrityOptions
	err := integrityOptions.parse(&o, t.Features)
	return o, err
}

func (t IntegrityTable) start() uint64      { return t.Start }
func (t IntegrityTable) length() uint64     { return t.Length }
func (t IntegrityTable) targetType() string { return "integrity" }
func (t IntegrityTable) value() Table       { return t }

func (t IntegrityTable) devices() []string {
	o, _ := t.Options() // of a malformed list the part before the error
	return []string{t.Device, o.MetaDevice}
}

// maxIntegrityWords is the kernel's limit of option words.
const maxIntegrityWords = 18

// maxTag is the largest tag in bytes.
const maxTag = 255

func (t IntegrityTable) params() (string, error) {
	b := builder{target: "integrity"}
	_, err := t.Options()
	b.check(err)
	b.limit("options", t.Features, maxIntegrityWords)
	b.word("device", t.Device)
	b.sectors("reserved", t.Offset)
	switch {
	case t.TagSize > maxTag:
		b.failf("tag size", ErrInvalid, "%d bytes: want 1 to %d", t.TagSize, maxTag)
	case t.TagSize == 0:
		b.word("tag size", "-")
	default:
		b.number(t.TagSize)
	}
	b.check(checkIntegrityMode(t.Mode))
	b.word("mode", t.Mode)
	b.group("options", t.Features)
	return b.done()
}

func checkIntegrityMode(mode string) error {
	switch mode {
	case "J", "B", "D", "R", "I":
		return nil
	}
	return locate("integrity", "mode", &finding{ErrSyntax, mode, "J, B, D, R or I"})
}

func parseIntegrity(start, length uint64, r *reader) Table {
	t := IntegrityTable{Start: start, Length: length}
	t.Device = r.word("device")
	t.Offset = r.sectors("reserved")
	if tag := r.word("tag size"); tag != "-" && r.err == nil {
		n, err := parseRange(tag, 1, maxTag)
		if err != nil {
			r.fail("tag size", err)
		}
		t.TagSize = n
	}
	t.Mode = r.word("mode")
	r.check(checkIntegrityMode(t.Mode))
	t.Features = r.group("options", maxIntegrityWords)
	_, err := t.Options()
	r.check(err)
	return t
}

func (t IntegrityTable) check() error {
	o, err := t.Options()
	switch {
	case err != nil:
		return err
	case o.BlockSize != 0 && !powerOfTwo(o.BlockSize, SectorSize, 4096):
		return failf("integrity", "block_size", ErrInvalid, "%d bytes: want a power of two, 512 to 4096", o.BlockSize)
	case o.InternalHash.Name != "":
		return nil
	case t.TagSize == 0:
		return failf("integrity", "tag size", ErrInvalid, "it is not given and there is no internal_hash to take it from")
	case t.Mode == "B":
		return failf("integrity", "mode", ErrInvalid, "B needs internal_hash")
	case o.AllowDiscards || o.AllowDiscardsKeyed:
		return failf("integrity", "allow_discards", ErrInvalid, "it needs internal_hash")
	}
	return nil
}

// IntegrityStatus is the status of an integrity target. An older kernel prints
// the first field, or the first two only.
type IntegrityStatus struct {
	StatusHeader
	Mismatches      uint64  `json:"mismatches"`       // tags that did not fit since the table was loaded
	ProvidedSectors uint64  `json:"provided_sectors"` // 512 bytes; what the device can hold
	RecalcSector    *uint64 `json:"recalc_sector"`    // 512 bytes; where the recalculation of tags is; nil: none
}

func (IntegrityStatus) targetType() string { return "integrity" }

func (s IntegrityStatus) write(w *statusWriter) {
	w.numbers(s.Mismatches, s.ProvidedSectors)
	w.maybe(s.RecalcSector)
}

func parseIntegrityStatus(h StatusHeader, r *reader) Status {
	s := IntegrityStatus{Mismatches: r.number("mismatches")}
	if r.more() {
		s.ProvidedSectors = r.number("provided sectors")
	}
	if r.more() {
		s.RecalcSector = r.maybe("recalculated sector")
	}
	s.StatusHeader = r.tail(h)
	return s
}
