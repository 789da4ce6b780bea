package tables

// target is one row of the list of known targets.
type target struct {
	name      string
	parse     func(start, length uint64, r *reader) Table // failures stay in r
	decode    func(object []byte) (Table, error)          // from a JSON object
	status    func(h StatusHeader, r *reader) Status      // failures stay in r
	singleton bool                                        // must be alone in its device
	boot      bool                                        // the kernel accepts it in dm-mod.create=
}

// targets is the list of targets, in the order of the reference. A new target
// adds its file and its line here.
var targets = []target{
	{name: "linear", parse: parseLinear, decode: decodeAs[LinearTable], status: parseLinearStatus, boot: true},
	{name: "zero", parse: parseZero, decode: decodeAs[ZeroTable], status: parseZeroStatus},
	{name: "error", parse: parseError, decode: decodeAs[ErrorTable], status: parseErrorStatus},
	{name: "striped", parse: parseStripe, decode: decodeAs[StripeTable], status: parseStripeStatus, boot: true},
	{name: "unstriped", parse: parseUnstriped, decode: decodeAs[UnstripedTable], status: parseUnstripedStatus},
	{name: "delay", parse: parseDelay, decode: decodeAs[DelayTable], status: parseDelayStatus, boot: true},
	{name: "flakey", parse: parseFlakey, decode: decodeAs[FlakeyTable], status: parseFlakeyStatus},
	{name: "dust", parse: parseDust, decode: decodeAs[DustTable], status: parseDustStatus},
	{name: "ebs", parse: parseEbs, decode: decodeAs[EbsTable], status: parseEbsStatus},
	{name: "switch", parse: parseSwitch, decode: decodeAs[SwitchTable], status: parseSwitchStatus},
	{name: "multipath", parse: parseMultipath, decode: decodeAs[MultipathTable], status: parseMultipathStatus, singleton: true},
	{name: "log-writes", parse: parseLogWrites, decode: decodeAs[LogWritesTable], status: parseLogWritesStatus},
	{name: "mirror", parse: parseMirror, decode: decodeAs[MirrorTable], status: parseMirrorStatus},
	{name: "snapshot", parse: parseSnapshot, decode: decodeAs[SnapshotTable], status: parseSnapshotStatus},
	{name: "snapshot-origin", parse: parseSnapshotOrigin, decode: decodeAs[SnapshotOriginTable], status: parseSnapshotOriginStatus, boot: true},
	{name: "snapshot-merge", parse: parseSnapshotMerge, decode: decodeAs[SnapshotMergeTable], status: parseSnapshotMergeStatus},
	{name: "thin-pool", parse: parseThinPool, decode: decodeAs[ThinPoolTable], status: parseThinPoolStatus, singleton: true},
	{name: "thin", parse: parseThin, decode: decodeAs[ThinTable], status: parseThinStatus},
	{name: "cache", parse: parseCache, decode: decodeAs[CacheTable], status: parseCacheStatus},
	{name: "era", parse: parseEra, decode: decodeAs[EraTable], status: parseEraStatus},
	{name: "clone", parse: parseClone, decode: decodeAs[CloneTable], status: parseCloneStatus},
	{name: "writecache", parse: parseWritecache, decode: decodeAs[WritecacheTable], status: parseWritecacheStatus},
	{name: "integrity", parse: parseIntegrity, decode: decodeAs[IntegrityTable], status: parseIntegrityStatus, singleton: true},
	{name: "crypt", parse: parseCrypt, decode: decodeAs[CryptTable], status: parseCryptStatus, boot: true},
	{name: "inlinecrypt", parse: parseInlineCrypt, decode: decodeAs[InlineCryptTable], status: parseInlineCryptStatus},
	{name: "verity", parse: parseVerity, decode: decodeAs[VerityTable], status: parseVerityStatus, singleton: true, boot: true},
	{name: "raid", parse: parseRaid, decode: decodeAs[RaidTable], status: parseRaidStatus},
	{name: "zoned", parse: parseZoned, decode: decodeAs[ZonedTable], status: parseZonedStatus, singleton: true},
	{name: "vdo", parse: parseVDO, decode: decodeAs[VDOTable], status: parseVDOStatus, singleton: true},
	{name: "pcache", parse: parsePcache, decode: decodeAs[PcacheTable], status: parsePcacheStatus},
}

// lookup finds a target by its name, spelled as the kernel spells it.
func lookup(name string) (*target, bool) {
	for i := range targets {
		if targets[i].name == name {
			return &targets[i], true
		}
	}
	return nil, false
}

func unknownTarget(name string) bool {
	_, ok := lookup(name)
	return !ok
}

// Targets returns the names of all targets that have a struct of their own, in
// the order of the reference. Other names are read as [RawTable].
func Targets() []string {
	names := make([]string, len(targets))
	for i := range targets {
		names[i] = targets[i].name
	}
	return names
}
