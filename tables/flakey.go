package tables

// FlakeyTable is linear for UpInterval seconds, then misbehaves for
// DownInterval seconds, and so on. Line:
// <dev> <offset> <up> <down> [<#f> <f>...] (dm-flakey.rst).
type FlakeyTable struct {
	Start        uint64   `json:"start_bytes"`  // bytes
	Length       uint64   `json:"length_bytes"` // bytes
	Device       string   `json:"device"`
	Offset       uint64   `json:"offset_bytes"`       // bytes
	UpInterval   uint64   `json:"up_interval_s"`      // seconds
	DownInterval uint64   `json:"down_interval_s"`    // seconds
	Features     []string `json:"features,omitempty"` // words after the count, values included; see Options
}

// CorruptBioByte is the option corrupt_bio_byte: in the down phase one byte of
// each request is replaced.
type CorruptBioByte struct {
	Byte      uint64 // place in the request, counted from 1; 0: option not given
	Direction string // "r" or "w"
	Value     uint64 // 0 to 255
	Flags     uint64 // only requests with all these flag bits
}

// FlakeyOptions are the feature words of a [FlakeyTable].
type FlakeyOptions struct {
	ErrorReads         bool
	DropWrites         bool
	ErrorWrites        bool
	CorruptBioByte     CorruptBioByte
	RandomReadCorrupt  uint64 // probability in units of 1e-9; 0: never
	RandomWriteCorrupt uint64
}

var flakeyOptions = grammar[FlakeyOptions]{target: "flakey", field: "features", options: []option[FlakeyOptions]{
	{name: "error_reads", set: toggle(func(o *FlakeyOptions) *bool { return &o.ErrorReads })},
	{name: "drop_writes", set: toggle(func(o *FlakeyOptions) *bool { return &o.DropWrites })},
	{name: "error_writes", set: toggle(func(o *FlakeyOptions) *bool { return &o.ErrorWrites })},
	{name: "corrupt_bio_byte", values: 4, set: setCorruptBioByte},
	{name: "random_read_corrupt", values: 1, set: numeric(func(o *FlakeyOptions) *uint64 { return &o.RandomReadCorrupt }, 0, 1e9)},
	{name: "random_write_corrupt", values: 1, set: numeric(func(o *FlakeyOptions) *uint64 { return &o.RandomWriteCorrupt }, 0, 1e9)},
}}

func setCorruptBioByte(o *FlakeyOptions, a option1) (err error) {
	c := &o.CorruptBioByte
	if c.Byte, err = parseRange(a.values[0], 1, 1<<32-1); err != nil {
		return err
	}
	if c.Direction, err = oneOf(a.values[1], "r", "w"); err != nil {
		return err
	}
	if c.Value, err = parseRange(a.values[2], 0, 255); err != nil {
		return err
	}
	c.Flags, err = parseRange(a.values[3], 0, 1<<32-1)
	return err
}

// Options reads the feature words. Without any, the kernel fails reads and
// writes of the down phase, so both are set then.
func (t FlakeyTable) Options() (FlakeyOptions, error) {
	var o FlakeyOptions
	if len(t.Features) == 0 {
		return FlakeyOptions{ErrorReads: true, ErrorWrites: true}, nil
	}
	err := flakeyOptions.parse(&o, t.Features)
	return o, err
}

func (t FlakeyTable) start() uint64      { return t.Start }
func (t FlakeyTable) length() uint64     { return t.Length }
func (t FlakeyTable) targetType() string { return "flakey" }
func (t FlakeyTable) value() Table       { return t }
func (t FlakeyTable) devices() []string  { return []string{t.Device} }

// maxFlakeyWords is the kernel's limit of feature words.
const maxFlakeyWords = 11

func (t FlakeyTable) params() (string, error) {
	b := builder{target: "flakey"}
	_, err := t.Options()
	b.check(err)
	b.limit("features", t.Features, maxFlakeyWords)
	b.word("device", t.Device)
	b.sectors("offset", t.Offset)
	b.number(t.UpInterval)
	b.number(t.DownInterval)
	b.group("features", t.Features)
	return b.done()
}

func parseFlakey(start, length uint64, r *reader) Table {
	t := FlakeyTable{Start: start, Length: length}
	t.Device = r.word("device")
	t.Offset = r.sectors("offset")
	t.UpInterval = r.number("up interval")
	t.DownInterval = r.number("down interval")
	t.Features = r.optionalGroup("features", maxFlakeyWords)
	_, err := t.Options()
	r.check(err)
	return t
}

func (t FlakeyTable) check() error {
	if err := checkBackend("flakey", "offset", t.Offset, t.Length); err != nil {
		return err
	}
	sum, ok := add(t.UpInterval, t.DownInterval)
	if !ok || sum == 0 || sum >= 1<<32 {
		return failf("flakey", "up interval", ErrInvalid, "up %d and down %d seconds: the sum must be 1 to 2^32-1", t.UpInterval, t.DownInterval)
	}
	o, err := t.Options()
	if err != nil {
		return err
	}
	corruptsWrites := o.CorruptBioByte.Direction == "w"
	switch {
	case o.DropWrites && o.ErrorWrites:
		return failf("flakey", "drop_writes", ErrInvalid, "it conflicts with error_writes")
	case o.DropWrites && corruptsWrites:
		return failf("flakey", "drop_writes", ErrInvalid, "it conflicts with the corruption of writes")
	case o.ErrorWrites && corruptsWrites:
		return failf("flakey", "error_writes", ErrInvalid, "it conflicts with the corruption of writes")
	}
	return nil
}

// FlakeyStatus is the status of a flakey target, which says nothing.
type FlakeyStatus struct{ StatusHeader }

func (FlakeyStatus) targetType() string { return "flakey" }

func (FlakeyStatus) write(*statusWriter) {}

func parseFlakeyStatus(h StatusHeader, r *reader) Status { return FlakeyStatus{r.tail(h)} }
