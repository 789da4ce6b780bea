package luks

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/dmimg/dmimg/internal/hashes"
)

// Limits of what a key slot may cost unless more is allowed. cryptsetup makes slots of
// 1 GiB and 2 s; its own limit is 4 GiB.
const (
	maxMemory  = 4 << 30 // bytes
	maxSeconds = 30

	cheapIterations = 4 << 20  // of PBKDF2: surely below maxSeconds with any hash in assembly
	cheapArgon      = 12 << 30 // bytes × passes, likewise
	probeIterations = 2000
	probeMemory     = 4 << 10 // KiB
)

// memory is what the derivation takes, in bytes.
func (k *KDF) memory() uint64 {
	if k.Type == kdfPBKDF2 {
		return 0
	}
	return uint64(k.Memory) << 10
}

// threads is how many cores the derivation of keySize bytes can use.
func (k *KDF) threads(keySize int) int {
	if k.Type != kdfPBKDF2 {
		return int(min(k.CPUs, maxLanes))
	}
	if a, err := hashes.Lookup(k.Hash); err == nil {
		return (keySize + a.Size - 1) / a.Size
	}
	return 1
}

// checkCost refuses what takes too much memory or time. Time is estimated, on this machine,
// when it may be long.
func (k *KDF) checkCost(keySize int, allowCostly bool) error {
	need := k.memory()
	if total := totalMemory(); total > 0 && need > total {
		return fmt.Errorf("%s needs %d MiB of memory, this machine has %d: %w", k.Type, need>>20, total>>20, ErrCostly)
	}
	if allowCostly {
		return nil
	}
	if need > maxMemory {
		return fmt.Errorf("%s needs %d MiB of memory, more than %d: %w", k.Type, need>>20, maxMemory>>20, ErrCostly)
	}
	if took := k.seconds(keySize); took > maxSeconds {
		return fmt.Errorf("%s would take an estimated %.0f s, more than %d: %w", k.Type, took, maxSeconds, ErrCostly)
	}
	return nil
}

// seconds estimates the time that the derivation takes; 0 if it is surely short.
func (k *KDF) seconds(keySize int) float64 {
	if k.Type == kdfPBKDF2 {
		a, err := hashes.Lookup(k.Hash)
		if err != nil || k.Iterations <= cheapIterations/10 {
			return 0
		}
		return pbkdf2Seconds(a, float64(k.Iterations))
	}
	work := float64(k.memory()) * float64(k.Time)
	if work <= cheapArgon {
		return 0
	}
	start := time.Now()
	argon2.IDKey(nil, make([]byte, salt1), 1, probeMemory, 1, 16)
	rate := float64(probeMemory<<10) / time.Since(start).Seconds() // bytes per second on a core
	return work / (rate * float64(min(k.CPUs, 4)))
}

// pbkdf2Seconds estimates the time of iterations: the blocks of a key are made at once.
func pbkdf2Seconds(a hashes.Algorithm, iterations float64) float64 {
	start := time.Now()
	_ = pbkdf2(context.Background(), a, nil, make([]byte, salt1), probeIterations, make([]byte, a.Size))
	return time.Since(start).Seconds() / probeIterations * iterations
}
