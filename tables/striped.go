package tables

// StripeDevice is one column of a [StripeTable].
type StripeDevice struct {
	Device string `json:"device"`
	Offset uint64 `json:"offset_bytes"` // bytes
}

// StripeTable spreads chunks over devices in turn. Line:
// <n> <chunk> (<dev> <offset>)×n (striped.rst). The target's name is
// striped.
type StripeTable struct {
	Start     uint64         `json:"start_bytes"`      // bytes
	Length    uint64         `json:"length_bytes"`     // bytes
	ChunkSize uint64         `json:"chunk_size_bytes"` // bytes; any number of sectors
	Devices   []StripeDevice `json:"devices"`
}

func (t StripeTable) start() uint64      { return t.Start }
func (t StripeTable) length() uint64     { return t.Length }
func (t StripeTable) targetType() string { return "striped" }
func (t StripeTable) value() Table       { return t }

func (t StripeTable) devices() []string {
	var ds []string
	for _, d := range t.Devices {
		ds = append(ds, d.Device)
	}
	return ds
}

func (t StripeTable) params() (string, error) {
	b := builder{target: "striped"}
	if len(t.Devices) == 0 {
		b.failf("stripes", ErrSyntax, "there is no device")
	}
	b.number(uint64(len(t.Devices)))
	b.sectors("chunk size", t.ChunkSize)
	for _, d := range t.Devices {
		b.word("device", d.Device)
		b.sectors("offset", d.Offset)
	}
	return b.done()
}

func parseStripe(start, length uint64, r *reader) Table {
	t := StripeTable{Start: start, Length: length}
	n := r.number("stripes")
	t.ChunkSize = r.sectors("chunk size")
	if want := uint64(r.left()); r.err == nil && (n == 0 || want%2 != 0 || n != want/2) {
		r.failf("stripes", ErrSyntax, "the count says %d, %d words follow, want two for each and at least one", n, want)
	}
	for r.left() > 0 {
		t.Devices = append(t.Devices, StripeDevice{Device: r.word("device"), Offset: r.sectors("offset")})
	}
	return t
}

func (t StripeTable) check() error {
	n := uint64(len(t.Devices))
	switch {
	case t.ChunkSize == 0:
		return failf("striped", "chunk size", ErrInvalid, "it is 0")
	case t.Length/SectorSize%n != 0:
		return failf("striped", "length", ErrInvalid, "%d sectors cannot be divided among %d stripes", t.Length/SectorSize, n)
	case t.Length/n%t.ChunkSize != 0:
		return failf("striped", "length", ErrInvalid, "%d sectors a stripe are not a multiple of the chunk of %d sectors",
			t.Length/n/SectorSize, t.ChunkSize/SectorSize)
	}
	for _, d := range t.Devices {
		if err := checkBackend("striped", "offset", d.Offset, t.Length/n); err != nil {
			return err
		}
	}
	return nil
}

// StripeStatus is the status of a striped target.
type StripeStatus struct {
	StatusHeader
	Devices  []string `json:"devices"`            // major:minor of each stripe
	Health   string   `json:"health"`             // a letter for each stripe: A, or D after an I/O error
	Features []string `json:"features,omitempty"` // words that the kernel counts together with Health
}

func (StripeStatus) targetType() string { return "striped" }

func (s StripeStatus) write(w *statusWriter) {
	w.group("devices", s.Devices)
	w.number(uint64(len(s.Features)) + 1)
	w.word("health", s.Health)
	w.list("features", s.Features)
}

func parseStripeStatus(h StatusHeader, r *reader) Status {
	var s StripeStatus
	s.Devices = r.group("devices", noLimit)
	s.Health, s.Features = r.health()
	s.StatusHeader = r.tail(h)
	return s
}

// health reads a count, a word with a letter for each device, and the words that
// the count covers besides it.
func (r *reader) health() (letters string, more []string) {
	n := r.number("health words")
	letters = r.word("health")
	if r.err == nil && n == 0 {
		r.failf("health words", ErrSyntax, "the count is 0")
	}
	return letters, r.take("health words", max(n, 1)-1)
}
