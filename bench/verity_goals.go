package bench

// The workloads of group verity, by which its goals find their rows.
const (
	hash4096    = "sha256 of salted 4096-byte blocks, in memory"
	hash512     = "sha256 of salted 512-byte blocks, in memory"
	hashSHA512  = "sha512 of salted 4096-byte blocks, in memory"
	formatWhole = "verity format, sha256, 4096-byte blocks, file in cache"
	verifyWhole = "verity verify, sha256, 4096-byte blocks, file in cache"
	formatSmall = "verity format, sha256, 512-byte blocks, 5 turns at most"
	updatePart  = "verity update of a contiguous 1 %, 4 times the file, in cache"
)

// verityGoals are about the commands with all cores, as they are used, the first
// rows of their workloads. That of the hash itself and that of the wall time hold
// for the machine that they were set on: a Zen 4, both cores free.
var verityGoals = []goal{
	{"SHA-256 of 4096-byte blocks, salted, one thread, vs crypto/sha256", cpuRatio, 2.1, 2.3, side{hash4096, ""}, side{hash4096, "crypto/sha256"}},
	{"verity format, CPU vs veritysetup", cpuRatio, 2.4, 2.8, side{formatWhole, ""}, side{formatWhole, "veritysetup"}},
	{"verity format, wall vs veritysetup", wallRatio, 4, 5.5, side{formatWhole, ""}, side{formatWhole, "veritysetup"}},
	{"verity format, CPU vs go-dmverity", cpuRatio, 2.8, 3.3, side{formatWhole, ""}, side{formatWhole, "go-dmverity"}},
	{"verity format, CPU vs a plain Go loop", cpuRatio, 1.8, 2.1, side{formatWhole, ""}, side{formatWhole, "plain Go loop"}},
	{"verity format, share of the hashing in its CPU", cpuShare, 65, 74, side{formatWhole, ""}, side{hash4096, ""}},
	{"verity verify, CPU vs veritysetup", cpuRatio, 2.4, 2.8, side{verifyWhole, ""}, side{verifyWhole, "veritysetup"}},
	{"verity verify, wall vs veritysetup", wallRatio, 4, 5.5, side{verifyWhole, ""}, side{verifyWhole, "veritysetup"}},
	{"verity verify, CPU vs go-dmverity", cpuRatio, 2.8, 3.3, side{verifyWhole, ""}, side{verifyWhole, "go-dmverity"}},
	{"verity format, 512-byte blocks, CPU vs veritysetup", cpuRatio, 4, 6, side{formatSmall, ""}, side{formatSmall, "veritysetup"}},
	{"verity update of 1 %, CPU vs a full run", cpuRatio, 30, 0, side{updatePart, "dmimg verity update"}, side{updatePart, "dmimg verity format"}},
	{"verity format, peak memory", peak, 64, 32, side{formatWhole, ""}, side{}},
}
