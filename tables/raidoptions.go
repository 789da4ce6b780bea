package tables

import "strconv"

// RaidOptions are the parameter words of a [RaidTable]; 0, "" and false mean
// not given.
type RaidOptions struct {
	ChunkSize         uint64 // bytes; 0 for raid1
	Sync, NoSync      bool
	Rebuild           []uint64 // legs, counted from 0
	DaemonSleep       uint64   // milliseconds
	MinRecoveryRate   uint64   // KiB/s
	MaxRecoveryRate   uint64   // KiB/s
	WriteMostly       []uint64 // legs, counted from 0
	MaxWriteBehind    uint64   // bytes
	StripeCache       uint64   // as on the line
	RegionSize        uint64   // bytes
	RAID10Copies      uint64
	RAID10Format      string // "near", "far" or "offset"
	RAID10UseNearSets bool
	DataOffset        uint64 // bytes
	DeltaDisks        int64
	JournalDevice     string
	JournalMode       string // "writethrough" or "writeback"
}

var raidOptions = grammar[RaidOptions]{target: "raid", field: "params", options: []option[RaidOptions]{
	{name: "sync", set: toggle(func(o *RaidOptions) *bool { return &o.Sync })},
	{name: "nosync", set: toggle(func(o *RaidOptions) *bool { return &o.NoSync })},
	{name: "rebuild", values: 1, many: true, set: addLeg(func(o *RaidOptions) *[]uint64 { return &o.Rebuild })},
	{name: "daemon_sleep", values: 1, set: numeric(func(o *RaidOptions) *uint64 { return &o.DaemonSleep }, 0, max32)},
	{name: "min_recovery_rate", values: 1, set: numeric(func(o *RaidOptions) *uint64 { return &o.MinRecoveryRate }, 0, max32)},
	{name: "max_recovery_rate", values: 1, set: numeric(func(o *RaidOptions) *uint64 { return &o.MaxRecoveryRate }, 0, max32)},
	{name: "write_mostly", values: 1, many: true, set: addLeg(func(o *RaidOptions) *[]uint64 { return &o.WriteMostly })},
	{name: "max_write_behind", values: 1, set: inSectors(func(o *RaidOptions) *uint64 { return &o.MaxWriteBehind })},
	{name: "stripe_cache", values: 1, set: numeric(func(o *RaidOptions) *uint64 { return &o.StripeCache }, 0, max32)},
	{name: "region_size", values: 1, set: inSectors(func(o *RaidOptions) *uint64 { return &o.RegionSize })},
	{name: "raid10_copies", values: 1, set: numeric(func(o *RaidOptions) *uint64 { return &o.RAID10Copies }, 2, 255)},
	{name: "raid10_format", values: 1, set: choice(func(o *RaidOptions) *string { return &o.RAID10Format }, "near", "far", "offset")},
	{name: "raid10_use_near_sets", set: toggle(func(o *RaidOptions) *bool { return &o.RAID10UseNearSets })},
	{name: "delta_disks", values: 1, set: setDeltaDisks},
	{name: "data_offset", values: 1, set: inSectors(func(o *RaidOptions) *uint64 { return &o.DataOffset })},
	{name: "journal_dev", values: 1, set: textual(func(o *RaidOptions) *string { return &o.JournalDevice })},
	{name: "journal_mode", values: 1, set: choice(func(o *RaidOptions) *string { return &o.JournalMode }, "writethrough", "writeback")},
}}

// addLeg makes a setter for an option that names one leg and may be repeated.
func addLeg(field func(*RaidOptions) *[]uint64) func(*RaidOptions, option1) error {
	return func(o *RaidOptions, a option1) error {
		n, err := parseRange(a.values[0], 0, maxRaidLegs-1)
		if err != nil {
			return err
		}
		*field(o) = append(*field(o), n)
		return nil
	}
}

// setDeltaDisks reads the one number that may have a sign.
func setDeltaDisks(o *RaidOptions, a option1) error {
	n, err := strconv.ParseInt(a.values[0], 10, 64)
	if err != nil || n < -maxRaidLegs || n > maxRaidLegs {
		return &finding{ErrSyntax, a.values[0], "-253 to 253"}
	}
	o.DeltaDisks = n
	return nil
}

// Options reads the parameter words. The first is the chunk size, without
// which there are none.
func (t RaidTable) Options() (RaidOptions, error) {
	var o RaidOptions
	if len(t.Params) == 0 {
		return o, failf("raid", "chunk", ErrSyntax, "the chunk size is missing")
	}
	chunk, err := parseSectors(t.Params[0])
	if err != nil {
		return o, locate("raid", "chunk", err)
	}
	o.ChunkSize = chunk
	err = raidOptions.parse(&o, t.Params[1:])
	return o, err
}

// checkFamily refuses options that do not exist for a level; words are all the
// parameter words.
func (o RaidOptions) checkFamily(level string, words []string) error {
	raid10 := o.RAID10Copies != 0 || o.RAID10Format != "" || o.RAID10UseNearSets
	parity := level == "raid4" || level == "raid5" || level == "raid6"
	switch {
	case level == "raid0" && len(words) > 1 && !(len(words) == 3 && equalFold(words[1], "data_offset")):
		return failf("raid", "params", ErrInvalid, "raid0 takes no option but data_offset")
	case level == "raid6" && o.NoSync:
		return failf("raid", "nosync", ErrInvalid, "raid6 does not take it")
	case level != "raid1" && (len(o.WriteMostly) > 0 || o.MaxWriteBehind != 0):
		return failf("raid", "write_mostly", ErrInvalid, "write_mostly and max_write_behind are for raid1")
	case !parity && o.StripeCache != 0:
		return failf("raid", "stripe_cache", ErrInvalid, "it is for raid4, raid5 and raid6")
	case !parity && (o.JournalDevice != "" || o.JournalMode != ""):
		return failf("raid", "journal_dev", ErrInvalid, "it is for raid4, raid5 and raid6")
	case level != "raid10" && raid10:
		return failf("raid", "raid10_copies", ErrInvalid, "raid10 options are for raid10")
	}
	return nil
}

// check finds options that do not fit each other or the array.
func (o RaidOptions) check(legs, length uint64) error {
	switch {
	case o.Sync && o.NoSync:
		return failf("raid", "sync", ErrInvalid, "it conflicts with nosync")
	case o.JournalMode != "" && o.JournalDevice == "":
		return failf("raid", "journal_mode", ErrInvalid, "it needs journal_dev")
	case o.RAID10Copies > legs:
		return failf("raid", "raid10_copies", ErrInvalid, "%d copies do not fit on %d legs", o.RAID10Copies, legs)
	}
	for _, i := range append(append([]uint64(nil), o.Rebuild...), o.WriteMostly...) {
		if i >= legs {
			return failf("raid", "rebuild", ErrInvalid, "leg %d of %d (they count from 0)", i, legs)
		}
	}
	if o.RegionSize == 0 {
		return nil
	}
	if low := max(o.ChunkSize, length/maxRaidRegions, SectorSize); !powerOfTwo(o.RegionSize, low, noLimit) {
		return failf("raid", "region_size", ErrInvalid, "%d sectors: want a power of two, at least %d", o.RegionSize/SectorSize, low/SectorSize)
	}
	return nil
}
