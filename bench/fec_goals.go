package bench

// The workloads of group fec, by which its goals find their rows.
const (
	encode2     = "FEC encode, roots 2, in memory"
	encode24    = "FEC encode, roots 24, in memory"
	formatFEC2  = "verity format + FEC, roots 2, 1/4 of the file, 3 turns at most"
	formatFEC24 = "verity format + FEC, roots 24, 1/8 of the file, 3 turns at most"
	formatBoth  = "verity format without and with FEC, file in cache"
)

// The implementations of formatBoth.
const (
	withoutFEC = "dmimg without FEC"
	withFEC2   = "dmimg with FEC, roots 2"
	withFEC24  = "dmimg with FEC, roots 24"
)

// fecGoals are about the commands with all cores, as they are used.
var fecGoals = []goal{
	{"FEC encode in memory, roots 2, vs log tables", cpuRatio, 25, 40, side{encode2, ""}, side{encode2, "plain Go"}},
	{"FEC encode in memory, roots 24, vs log tables", cpuRatio, 40, 60, side{encode24, ""}, side{encode24, "plain Go"}},
	{"tree + FEC, roots 2, CPU vs veritysetup", cpuRatio, 25, 35, side{formatFEC2, ""}, side{formatFEC2, "veritysetup"}},
	{"tree + FEC, roots 24, CPU vs veritysetup", cpuRatio, 40, 80, side{formatFEC24, ""}, side{formatFEC24, "veritysetup"}},
	{"extra CPU of FEC, roots 2, over plain format", extraCPU, 60, 35, side{formatBoth, withFEC2}, side{formatBoth, withoutFEC}},
	{"tree + FEC, roots 2, peak memory", peak, 64, 32, side{formatBoth, withFEC2}, side{}},
	{"tree + FEC, roots 24, peak memory", peak, 64, 32, side{formatBoth, withFEC24}, side{}},
}
