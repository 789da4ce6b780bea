package luks

import (
	"context"
	"io"
	"math"
	"runtime"
	"time"
)

// Cost says what opening a key slot costs. The zero value is cryptsetup's default: what
// takes 2 s on this machine.
type Cost struct {
	Type       string        // "pbkdf2", "argon2i", "argon2id"; "": pbkdf2 with LUKS1, argon2id with LUKS2
	Hash       string        // of pbkdf2; "": sha256, or that of a LUKS1 header
	Iterations int64         // of pbkdf2, passes of Argon2; 0: as many as Time allows on this machine
	Memory     int64         // KiB, Argon2; without Iterations at most so much; 0: 1 GiB, or half of the machine's memory
	Parallel   int64         // lanes of Argon2; 0: as many as there are cores, at most 4
	Time       time.Duration // 0: 2 s; not used with Iterations
}

// What cryptsetup takes and asks for.
const (
	defaultTime = 2 * time.Second

	minIterations = 1000
	minPasses     = 4
	minMemory     = 32      // KiB
	mostMemory    = 4 << 20 // KiB
	usualMemory   = 1 << 20 // KiB
	mostLanes     = 4
)

// settled fills in what is not said, except what has to be measured, and refuses what
// cryptsetup refuses.
func (c Cost) settled(version int) (Cost, error) {
	if c.Type == "" {
		c.Type = kdfArgon2id
		if version == 1 {
			c.Type = kdfPBKDF2
		}
	}
	if c.Time == 0 {
		c.Time = defaultTime
	}
	switch {
	case c.Time < 0:
		return c, option("a time of %v", c.Time)
	case c.Iterations < 0 || c.Iterations > math.MaxUint32:
		return c, option("%d iterations: want at most 2^32-1", c.Iterations)
	case c.Type == kdfPBKDF2:
		return c.settledPBKDF2()
	case c.Type != kdfArgon2i && c.Type != kdfArgon2id:
		return c, option("key derivation %q: want pbkdf2, argon2i or argon2id", clip(c.Type))
	case version == 1:
		return c, option("key derivation %s: LUKS1 has pbkdf2 only", c.Type)
	}
	return c.settledArgon2()
}

func (c Cost) settledPBKDF2() (Cost, error) {
	if c.Hash == "" {
		c.Hash = defaultHash
	}
	if _, err := lookupHash(c.Hash); err != nil {
		return c, err
	}
	switch {
	case c.Memory != 0 || c.Parallel != 0:
		return c, option("pbkdf2 has no memory and no lanes")
	case c.Iterations != 0 && c.Iterations < minIterations:
		return c, option("%d iterations of pbkdf2: want at least %d", c.Iterations, minIterations)
	}
	return c, nil
}

func (c Cost) settledArgon2() (Cost, error) {
	switch {
	case c.Hash != "":
		return c, option("%s has its own hash, not %q", c.Type, clip(c.Hash))
	case c.Memory != 0 && (c.Memory < minMemory || c.Memory > mostMemory):
		return c, option("%d KiB of memory for %s: want %d to %d", c.Memory, c.Type, minMemory, mostMemory)
	case c.Parallel < 0 || c.Parallel > mostLanes:
		return c, option("%d lanes of %s: want at most %d", c.Parallel, c.Type, mostLanes)
	case c.Iterations != 0 && c.Iterations < minPasses:
		return c, option("%d passes of %s: want at least %d", c.Iterations, c.Type, minPasses)
	}
	if c.Memory == 0 {
		c.Memory = usualMemory
		if total := int64(totalMemory() >> 10); total > 0 {
			c.Memory = max(min(c.Memory, total/2), minMemory)
		}
	}
	if c.Parallel == 0 {
		c.Parallel = int64(min(runtime.NumCPU(), mostLanes))
	}
	return c, nil
}

// kdf makes the derivation of a key of keySize bytes, with a random salt. What the cost
// leaves open is measured.
func (c Cost) kdf(ctx context.Context, version, keySize int, random io.Reader) (*KDF, error) {
	c, err := c.benchmark(ctx, version, keySize)
	if err != nil {
		return nil, err
	}
	salt, err := salted(random, salt2)
	if err != nil {
		return nil, err
	}
	k := &KDF{Type: c.Type, Salt: salt}
	if c.Type == kdfPBKDF2 {
		k.Hash, k.Iterations = c.Hash, c.Iterations
	} else {
		k.Time, k.Memory, k.CPUs = c.Iterations, c.Memory, c.Parallel
	}
	return k, nil
}
