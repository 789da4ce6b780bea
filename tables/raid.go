package tables

import "strings"

// RaidDevice is one leg of a [RaidTable].
type RaidDevice struct {
	MetaDevice string `json:"meta_device"` // "-" (or "") if there is none
	DataDevice string `json:"data_device"` // "-" (or "") if it is missing
}

// RaidTable is an array of the kernel's md driver. It uses the sector number
// of the whole mapped device, whatever Start is. Line: <type> <#p> <chunk>
// <p>... <#devs> (<meta|-> <data|->)... (dm-raid.rst).
type RaidTable struct {
	Start    uint64       `json:"start_bytes"`  // bytes
	Length   uint64       `json:"length_bytes"` // bytes
	RaidType string       `json:"raid_type"`    // "raid1", "raid5_ls", "raid6_zr", "raid10", …
	Params   []string     `json:"params"`       // all words that the count counts, the chunk size in sectors first; see Options
	Devices  []RaidDevice `json:"devices"`
}

// raidTypes are the type names. Of the three last the layout still comes from
// raid10_format.
var raidTypes = []string{
	"raid0", "raid1", "raid4",
	"raid5_n", "raid5_la", "raid5_ra", "raid5_ls", "raid5_rs",
	"raid6_zr", "raid6_nr", "raid6_nc", "raid6_n_6", "raid6_la_6", "raid6_ra_6", "raid6_ls_6", "raid6_rs_6",
	"raid10", "raid10_far", "raid10_offset", "raid10_near",
}

func (t RaidTable) start() uint64      { return t.Start }
func (t RaidTable) length() uint64     { return t.Length }
func (t RaidTable) targetType() string { return "raid" }
func (t RaidTable) value() Table       { return t }

func (t RaidTable) devices() []string {
	o, _ := t.Options() // of a malformed list the part before the error
	ds := []string{o.JournalDevice}
	for _, d := range t.Devices {
		ds = append(ds, d.MetaDevice, d.DataDevice)
	}
	return ds
}

func (t RaidTable) params() (string, error) {
	b := builder{target: "raid"}
	b.check(t.words())
	b.word("type", t.RaidType)
	b.group("params", t.Params)
	if len(t.Devices) == 0 {
		b.failf("devices", ErrSyntax, "there is no device")
	}
	b.number(uint64(len(t.Devices)))
	for _, d := range t.Devices {
		b.wordOr("metadata device", d.MetaDevice, "-")
		b.wordOr("data device", d.DataDevice, "-")
	}
	return b.done()
}

// words checks the type and the parameter words.
func (t RaidTable) words() error {
	if _, err := oneOf(t.RaidType, raidTypes...); err != nil {
		return locate("raid", "type", err)
	}
	_, err := t.Options()
	return err
}

func parseRaid(start, length uint64, r *reader) Table {
	t := RaidTable{Start: start, Length: length}
	t.RaidType = r.word("type")
	t.Params = r.group("params", noLimit)
	if r.err == nil {
		r.check(t.words())
	}
	n := r.number("devices")
	if left := uint64(r.left()); r.err == nil && (n == 0 || left%2 != 0 || n != left/2) {
		r.failf("devices", ErrSyntax, "the count says %d, %d words follow, want two for each and at least one", n, left)
	}
	for r.left() > 0 {
		t.Devices = append(t.Devices, RaidDevice{MetaDevice: r.word("metadata device"), DataDevice: r.word("data device")})
	}
	return t
}

// Limits of raid: legs, chunk in bytes, regions.
const (
	maxRaidLegs    = 253
	minRaidChunk   = 8 * SectorSize
	maxRaidRegions = 1 << 21
)

func (t RaidTable) check() error {
	o, err := t.Options()
	if err != nil {
		return err
	}
	legs := uint64(len(t.Devices))
	switch {
	case legs > maxRaidLegs:
		return failf("raid", "devices", ErrInvalid, "%d legs are more than %d", legs, maxRaidLegs)
	case t.family() != "raid1" && !powerOfTwo(o.ChunkSize, minRaidChunk, noLimit):
		return failf("raid", "chunk", ErrInvalid, "%d sectors: want a power of two from 8", o.ChunkSize/SectorSize)
	}
	if err := o.checkFamily(t.family(), t.Params); err != nil {
		return err
	}
	return o.check(legs, t.Length)
}

// family is the level: "raid1", "raid5", …
func (t RaidTable) family() string {
	level, _, _ := strings.Cut(strings.ToLower(t.RaidType), "_")
	return level
}

// RaidStatus is the status of a raid target. An older kernel ends after the
// ratio, after Mismatches or after DataOffset.
type RaidStatus struct {
	StatusHeader
	Type              string `json:"type"` // "raid5_ls", "raid10_far", …
	Devices           uint64 `json:"devices"`
	Health            string `json:"health"`              // a letter for each device: A in sync, a alive but not in sync, D failed, - missing
	SyncSectors       uint64 `json:"sync_sectors"`        // 512 bytes; done of the running action
	TotalSectors      uint64 `json:"total_sectors"`       // 512 bytes; what the action covers
	Action            string `json:"action"`              // "idle", "frozen", "resync", "recover", "check", "repair", "reshape"
	Mismatches        uint64 `json:"mismatches"`          // found by the last check or repair
	DataOffsetSectors uint64 `json:"data_offset_sectors"` // 512 bytes; where data begins on each device
	Journal           string `json:"journal"`             // "A" writethrough, "a" writeback, "D" failed, "-" none
}

func (RaidStatus) targetType() string { return "raid" }

func (s RaidStatus) write(w *statusWriter) {
	w.word("type", s.Type)
	w.number(s.Devices)
	w.word("health", s.Health)
	w.ratio(s.SyncSectors, s.TotalSectors)
	w.word("action", s.Action)
	w.numbers(s.Mismatches, s.DataOffsetSectors)
	w.word("journal", s.Journal)
}

func parseRaidStatus(h StatusHeader, r *reader) Status {
	s := RaidStatus{Type: r.word("type"), Devices: r.number("devices"), Health: r.word("health")}
	s.SyncSectors, s.TotalSectors = r.ratio("sectors")
	if r.more() {
		s.Action, s.Mismatches = r.word("action"), r.number("mismatches")
	}
	if r.more() {
		s.DataOffsetSectors = r.number("data offset")
	}
	if r.more() {
		s.Journal = r.word("journal")
	}
	s.StatusHeader = r.tail(h)
	return s
}
