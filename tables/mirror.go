package tables

// MirrorDevice is one leg of a [MirrorTable].
type MirrorDevice struct {
	Device string `json:"device"`
	Offset uint64 `json:"offset_bytes"` // bytes
}

// MirrorTable keeps several copies. Line:
// <log type> <#log args> <log args> <#legs> (<dev> <offset>)×#legs
// [<#f> <f>...]; words of the log and features are case-sensitive
// (dm-log.rst).
type MirrorTable struct {
	Start    uint64         `json:"start_bytes"`        // bytes
	Length   uint64         `json:"length_bytes"`       // bytes
	LogType  string         `json:"log_type"`           // "core", "disk", or another module's
	LogArgs  []string       `json:"log_args,omitempty"` // words after the count; see Log
	Devices  []MirrorDevice `json:"devices"`
	Features []string       `json:"features,omitempty"` // see Options
}

// MirrorLog is the dirty log of a [MirrorTable].
type MirrorLog struct {
	Device     string // "" for a core log
	RegionSize uint64 // bytes
	Sync       bool   // force a resynchronisation
	NoSync     bool   // trust that the legs are equal
}

// MirrorOptions are the feature words of a [MirrorTable].
type MirrorOptions struct {
	HandleErrors bool
	KeepLog      bool
}

var mirrorOptions = grammar[MirrorOptions]{target: "mirror", field: "features", exactCase: true, options: []option[MirrorOptions]{
	{name: "handle_errors", set: toggle(func(o *MirrorOptions) *bool { return &o.HandleErrors })},
	{name: "keep_log", set: toggle(func(o *MirrorOptions) *bool { return &o.KeepLog })},
}}

var mirrorLogOptions = grammar[MirrorLog]{target: "mirror", field: "log args", exactCase: true, options: []option[MirrorLog]{
	{name: "sync", set: toggle(func(o *MirrorLog) *bool { return &o.Sync })},
	{name: "nosync", set: toggle(func(o *MirrorLog) *bool { return &o.NoSync })},
}}

// Options reads the feature words.
func (t MirrorTable) Options() (MirrorOptions, error) {
	var o MirrorOptions
	err := mirrorOptions.parse(&o, t.Features)
	return o, err
}

// Log reads the log words of log types core and disk; another type is
// ErrInvalid.
func (t MirrorTable) Log() (MirrorLog, error) {
	var l MirrorLog
	args := t.LogArgs
	switch t.LogType {
	case "core":
	case "disk":
		if len(args) == 0 {
			return l, failf("mirror", "log args", ErrSyntax, "the log device is missing")
		}
		l.Device, args = args[0], args[1:]
	default:
		return l, failf("mirror", "log type", ErrInvalid, "the words of log type %s are not known", quoteWord("mirror", t.LogType))
	}
	if len(args) == 0 || len(args) > 2 {
		return l, failf("mirror", "log args", ErrSyntax, "found %d words, want the region size and at most sync or nosync", len(t.LogArgs))
	}
	region, err := parseSectors(args[0])
	if err != nil {
		return l, locate("mirror", "region size", err)
	}
	l.RegionSize = region
	err = mirrorLogOptions.parse(&l, args[1:])
	return l, err
}

func (t MirrorTable) start() uint64      { return t.Start }
func (t MirrorTable) length() uint64     { return t.Length }
func (t MirrorTable) targetType() string { return "mirror" }
func (t MirrorTable) value() Table       { return t }

func (t MirrorTable) devices() []string {
	var ds []string
	if l, err := t.Log(); err == nil {
		ds = append(ds, l.Device)
	}
	for _, d := range t.Devices {
		ds = append(ds, d.Device)
	}
	return ds
}

// words checks what the text of a mirror can get wrong.
func (t MirrorTable) words() error {
	if t.LogType == "core" || t.LogType == "disk" {
		if _, err := t.Log(); err != nil {
			return err
		}
	}
	_, err := t.Options()
	return err
}

func (t MirrorTable) params() (string, error) {
	b := builder{target: "mirror"}
	b.check(t.words())
	b.word("log type", t.LogType)
	b.group("log args", t.LogArgs)
	if len(t.Devices) == 0 {
		b.failf("legs", ErrSyntax, "there is no device")
	}
	b.number(uint64(len(t.Devices)))
	for _, d := range t.Devices {
		b.word("device", d.Device)
		b.sectors("offset", d.Offset)
	}
	b.optionalGroup("features", t.Features)
	return b.done()
}

func parseMirror(start, length uint64, r *reader) Table {
	t := MirrorTable{Start: start, Length: length}
	t.LogType = r.word("log type")
	t.LogArgs = r.group("log args", noLimit)
	n := r.number("legs")
	if left := uint64(r.left()); r.err == nil && (n == 0 || n > left/2) {
		r.failf("legs", ErrSyntax, "the count says %d, %d words follow, want two for each and at least one", n, left)
	}
	for ; n > 0 && r.err == nil; n-- {
		t.Devices = append(t.Devices, MirrorDevice{Device: r.word("device"), Offset: r.sectors("offset")})
	}
	t.Features = r.optionalGroup("features", noLimit)
	r.check(t.words())
	return t
}

// maxMirrorLegs is the kernel's limit.
const maxMirrorLegs = 9

func (t MirrorTable) check() error {
	if n := len(t.Devices); n < 2 || n > maxMirrorLegs {
		return failf("mirror", "legs", ErrInvalid, "found %d, want 2 to %d", n, maxMirrorLegs)
	}
	if t.LogType == "core" || t.LogType == "disk" {
		l, err := t.Log()
		if err != nil {
			return err
		}
		if !powerOfTwo(l.RegionSize, 2*SectorSize, t.Length) {
			return failf("mirror", "region size", ErrInvalid, "%d sectors: want a power of two, from 2 to the length of %d",
				l.RegionSize/SectorSize, t.Length/SectorSize)
		}
	}
	o, err := t.Options()
	if err != nil {
		return err
	}
	if o.KeepLog && !o.HandleErrors {
		return failf("mirror", "keep_log", ErrInvalid, "it needs handle_errors")
	}
	for _, d := range t.Devices {
		if err := checkBackend("mirror", "offset", d.Offset, t.Length); err != nil {
			return err
		}
	}
	return nil
}

// MirrorStatus is the status of a mirror target.
type MirrorStatus struct {
	StatusHeader
	Devices     []string `json:"devices"`              // major:minor of each leg
	SyncRegions uint64   `json:"sync_regions"`         // regions in sync
	Regions     uint64   `json:"regions"`              // all of them
	Health      string   `json:"health"`               // a letter for each leg: A, or D, S, R, F, U for write, sync, read, flush and unknown error
	Features    []string `json:"features,omitempty"`   // words that the kernel counts together with Health
	LogType     string   `json:"log_type"`             // "core", "disk", or another module's
	LogDevice   string   `json:"log_device,omitempty"` // major:minor; "": none
	LogHealth   string   `json:"log_health,omitempty"` // A, or D, F after an error; "": not printed
	LogArgs     []string `json:"log_args,omitempty"`   // further words about the log
}

func (MirrorStatus) targetType() string { return "mirror" }

func (s MirrorStatus) write(w *statusWriter) {
	w.group("devices", s.Devices)
	w.ratio(s.SyncRegions, s.Regions)
	w.number(uint64(len(s.Features)) + 1)
	w.word("health", s.Health)
	w.list("features", s.Features)
	log := []string{s.LogType}
	for _, word := range []string{s.LogDevice, s.LogHealth} {
		if word != "" {
			log = append(log, word)
		}
	}
	w.group("log", append(log, s.LogArgs...))
}

func parseMirrorStatus(h StatusHeader, r *reader) Status {
	var s MirrorStatus
	s.Devices = r.group("devices", noLimit)
	s.SyncRegions, s.Regions = r.ratio("regions")
	if r.more() {
		s.Health, s.Features = r.health()
	}
	if r.more() {
		s.readLog(r)
	}
	s.StatusHeader = r.tail(h)
	return s
}

func (s *MirrorStatus) readLog(r *reader) {
	words := r.group("log", noLimit)
	for _, field := range []*string{&s.LogType, &s.LogDevice, &s.LogHealth} {
		if len(words) > 0 {
			*field, words = words[0], words[1:]
		}
	}
	if len(words) > 0 {
		s.LogArgs = words
	}
	if r.err == nil && s.LogType == "" {
		r.failf("log", ErrSyntax, "the count is 0")
	}
}
