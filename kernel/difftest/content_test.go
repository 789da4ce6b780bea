package difftest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/dmimg/dmimg/tables"
)

// seedVariable holds any word: with it the content of disks and of what is written is
// another one than usual, for images that are kept.
const seedVariable = "DMIMG_DIFFTEST_SEED"

func freshSeed() string { return os.Getenv(seedVariable) }

// fillNoise fills p with noise that depends on what it is for. Of images that are kept
// every sector repeats 16 bytes of its own, so that they pack well.
func fillNoise(p []byte, what string) {
	seed := freshSeed()
	noise := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%s %s", seed, what)))
	if seed == "" {
		noise.Read(p)
		return
	}
	for len(p) > 0 {
		sector := p[:min(tables.SectorSize, len(p))]
		var word [16]byte
		noise.Read(word[:])
		copy(sector, bytes.Repeat(word[:], tables.SectorSize/len(word)))
		p = p[len(sector):]
	}
}
