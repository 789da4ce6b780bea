package bench

import (
	"slices"

	"github.com/dmimg/dmimg/crypt"
)

// The workloads of group crypt, by which its goals find their rows.
const (
	xts4096     = "aes-256-xts decrypt, 4096-byte sectors, in memory"
	xts512      = "aes-256-xts decrypt, 512-byte sectors, in memory"
	serpentXTS  = "serpent-xts decrypt, 512-byte sectors, in memory"
	camelliaXTS = "camellia-xts decrypt, 512-byte sectors, in memory"
	twofishXTS  = "twofish-xts decrypt, 512-byte sectors, in memory"
	decryptFile = "crypt decrypt aes-256-xts, 512-byte sectors, file to file"
	readAt64    = "volume.ReadAt of 64 MiB, aes-256-xts, 4096-byte sectors"

	readAtSerpent = "volume.ReadAt of 16 MiB, serpent-xts, 4096-byte sectors"
)

// cryptGoals are about one thread, but for the last. Those with figures of C hold
// for the machine that they were set on: a Zen 4, for the last with both cores free.
func cryptGoals() []goal {
	const xtsPeerName, evp, limit = "golang.org/x/crypto/xts", "OpenSSL EVP", "limit of C"
	goals := []goal{
		{"AES-256-XTS, 4096-byte sectors, vs x/crypto/xts", cpuRatio, 25, 34, side{xts4096, ""}, side{xts4096, xtsPeerName}},
		{"AES-256-XTS, 512-byte sectors, vs x/crypto/xts", cpuRatio, 20, 28, side{xts512, ""}, side{xts512, xtsPeerName}},
		{"AES-256-XTS, 4096-byte sectors, vs OpenSSL with a new IV each", cpuRatio, 2.2, 2.6, side{xts4096, ""}, side{xts4096, evp}},
		{"AES-256-XTS, 512-byte sectors, vs OpenSSL with a new IV each", cpuRatio, 3, 4, side{xts512, ""}, side{xts512, evp}},
	}
	const aesni = "aesni"
	if slices.Contains(crypt.Implementations(), aesni) {
		goals = append(goals, goal{
			"AES-256-XTS with AES-NI only, 4096-byte sectors, vs x/crypto/xts", cpuRatio, 12, 15,
			side{xts4096, "dmimg " + aesni},
			side{xts4096, xtsPeerName},
		})
	}
	return append(goals,
		goal{"AES-256-XTS, 4096-byte sectors, share of the limit of C", cpuShare, 85, 95, side{xts4096, ""}, side{xts4096, limit}},
		goal{"AES-256-XTS, 512-byte sectors, share of the limit of C", cpuShare, 85, 95, side{xts512, ""}, side{xts512, limit}},
		goal{"serpent-xts vs the existing Go library", cpuRatio, 4, 10, side{serpentXTS, ""}, side{serpentXTS, "github.com/aead/serpent"}},
		goal{"camellia-xts", speed, 150, 300, side{camelliaXTS, ""}, side{}},
		goal{"twofish-xts vs x/crypto/twofish, one block at a time", cpuRatio, 1.5, 2, side{twofishXTS, ""}, side{twofishXTS, "golang.org/x/crypto/twofish"}},
		goal{"decrypt file to file, one core, speed of a plain copy loop reached", cpuShare, 65, 75, side{decryptFile, "dmimg --jobs 1"}, side{decryptFile, "copy loop"}},
		goal{"volume.ReadAt of 16 MiB, serpent-xts, all cores vs one, wall", wallRatio, 1.8, 1.95, side{readAtSerpent, "dmimg, all cores"}, side{readAtSerpent, "dmimg, one core"}},
		goal{"volume.ReadAt of 64 MiB, aes-xts, all cores vs one, wall", wallRatio, 1.8, 1.95, side{readAt64, "dmimg, all cores"}, side{readAt64, "dmimg, one core"}},
	)
}
