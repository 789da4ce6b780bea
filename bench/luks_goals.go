package bench

// The workloads of group luks, by which its goals find their rows.
const (
	luksDecrypt = "luks decrypt, LUKS1 aes-256-xts, 512-byte sectors, file to file"
	luksOpen    = "opening a LUKS2 key slot of PBKDF2-sha256, 1000 iterations"
	luksSHA256  = "opening a LUKS2 key slot of PBKDF2-sha256, 1 million iterations"
	luksSHA512  = "opening a LUKS2 key slot of PBKDF2-sha512, 1 million iterations"
	luksArgon   = "opening a LUKS2 key slot of argon2id, 4 passes over 256 MiB, 4 lanes"
)

// luksGoals are about the commands with all cores, as they are used. A key derivation is
// bounded by what the libraries do: cryptsetup may be 1.3 times as fast.
var luksGoals = []goal{
	{"luks decrypt, CPU vs qemu-img", cpuRatio, 6, 8, side{luksDecrypt, ""}, side{luksDecrypt, "qemu-img"}},
	{"luks decrypt, peak memory", peak, 64, 32, side{luksDecrypt, ""}, side{}},
	{"opening a LUKS2 key slot of small costs, start of the program and all", cpuTime, 20, 10, side{luksOpen, ""}, side{}},
	{"PBKDF2-sha256, wall vs cryptsetup", wallRatio, 0.77, 1, side{luksSHA256, ""}, side{luksSHA256, "cryptsetup"}},
	{"PBKDF2-sha512, wall vs cryptsetup", wallRatio, 0.77, 1, side{luksSHA512, ""}, side{luksSHA512, "cryptsetup"}},
	{"argon2id, wall vs cryptsetup", wallRatio, 0.77, 1, side{luksArgon, ""}, side{luksArgon, "cryptsetup"}},
}
