package tables

// target is one row of the list of known targets.
type target struct {
	name      string
	parse     func(start, length uint64, r *reader) Table // failures stay in r
	decode    func(object []byte) (Table, error)          // from a JSON object
	singleton bool                                        // must be alone in its device
	boot      bool                                        // the kernel accepts it in dm-mod.create=
}

// targets is the list of targets, in the order of the reference. A new target
// adds its file and its line here.
var targets = []target{
	{name: "linear", parse: parseLinear, decode: decodeAs[LinearTable], boot: true},
	{name: "zero", parse: parseZero, decode: decodeAs[ZeroTable]},
	{name: "error", parse: parseError, decode: decodeAs[ErrorTable]},
	{name: "striped", parse: parseStripe, decode: decodeAs[StripeTable], boot: true},
	{name: "unstriped", parse: parseUnstriped, decode: decodeAs[UnstripedTable]},
	{name: "delay", parse: parseDelay, decode: decodeAs[DelayTable], boot: true},
	{name: "flakey", parse: parseFlakey, decode: decodeAs[FlakeyTable]},
	{name: "dust", parse: parseDust, decode: decodeAs[DustTable]},
	{name: "ebs", parse: parseEbs, decode: decodeAs[EbsTable]},
	{name: "switch", parse: parseSwitch, decode: decodeAs[SwitchTable]},
	{name: "multipath", parse: parseMultipath, decode: decodeAs[MultipathTable], singleton: true},
	{name: "log-writes", parse: parseLogWrites, decode: decodeAs[LogWritesTable]},
	{name: "mirror", parse: parseMirror, decode: decodeAs[MirrorTable]},
	{name: "snapshot", parse: parseSnapshot, decode: decodeAs[SnapshotTable]},
	{name: "snapshot-origin", parse: parseSnapshotOrigin, decode: decodeAs[SnapshotOriginTable], boot: true},
	{name: "snapshot-merge", parse: parseSnapshotMerge, decode: decodeAs[SnapshotMergeTable]},
	{name: "thin-pool", parse: parseThinPool, decode: decodeAs[ThinPoolTable], singleton: true},
	{name: "thin", parse: parseThin, decode: decodeAs[ThinTable]},
	{name: "cache", parse: parseCache, decode: decodeAs[CacheTable]},
	{name: "era", parse: parseEra, decode: decodeAs[EraTable]},
	{name: "clone", parse: parseClone, decode: decodeAs[CloneTable]},
	{name: "writecache", parse: parseWritecache, decode: decodeAs[WritecacheTable]},
	{name: "integrity", parse: parseIntegrity, decode: decodeAs[IntegrityTable], singleton: true},
	{name: "crypt", parse: parseCrypt, decode: decodeAs[CryptTable], boot: true},
	{name: "inlinecrypt", parse: parseInlineCrypt, decode: decodeAs[InlineCryptTable]},
	{name: "verity", parse: parseVerity, decode: decodeAs[VerityTable], singleton: true, boot: true},
	{name: "raid", parse: parseRaid, decode: decodeAs[RaidTable]},
	{name: "zoned", parse: parseZoned, decode: decodeAs[ZonedTable], singleton: true},
	{name: "vdo", parse: parseVDO, decode: decodeAs[VDOTable], singleton: true},
	{name: "pcache", parse: parsePcache, decode: decodeAs[PcacheTable]},
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
