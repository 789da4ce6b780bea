package luks

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestBenchmark measures costs of little time. What comes out is definite, within the
// bounds, and goes into a header.
func TestBenchmark(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		version int
		cost    Cost
	}{
		{"LUKS1", 1, Cost{Time: 10 * time.Millisecond}},
		{"LUKS1 whirlpool", 1, Cost{Hash: "whirlpool", Time: 10 * time.Millisecond}},
		{"pbkdf2", 2, Cost{Type: kdfPBKDF2, Time: 10 * time.Millisecond}},
		{"least pbkdf2", 2, Cost{Type: kdfPBKDF2, Time: 1}},
		{"argon2id", 2, Cost{Time: 10 * time.Millisecond, Memory: 8 << 10, Parallel: 2}},
		{"argon2i", 2, Cost{Type: kdfArgon2i, Time: 10 * time.Millisecond, Memory: minMemory, Parallel: 1}},
		{"least argon2id", 2, Cost{Time: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.cost.Benchmark(t.Context(), c.version, 64)
			if err != nil {
				t.Fatal(err)
			}
			again, err := got.Benchmark(t.Context(), c.version, 64)
			if err != nil || again != got {
				t.Errorf("%+v, measured again %+v, %v", got, again, err)
			}
			k, err := got.kdf(t.Context(), c.version, 64, zeros{})
			if err != nil || k.check() != nil || k.checkCost(64, false) != nil {
				t.Fatalf("%+v: %v", got, err)
			}
			least := got.Iterations == minIterations || got.Iterations == minPasses && got.Memory == minMemory
			switch {
			case got.Type == kdfPBKDF2 && (got.Iterations < minIterations || got.Memory != 0):
			case got.Type != kdfPBKDF2 && (got.Iterations < minPasses || got.Memory < minMemory || got.Parallel < 1 || got.Parallel > mostLanes):
			case got.Type != kdfPBKDF2 && c.cost.Memory != 0 && got.Memory > c.cost.Memory:
			case strings.HasPrefix(c.name, "least") && !least:
			default:
				return
			}
			t.Errorf("%+v", got)
		})
	}
}

// TestBenchmarkEnds ends with its context, and refuses what cannot be measured.
func TestBenchmarkEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []Cost{{}, {Type: kdfPBKDF2}} {
		if _, err := c.Benchmark(ctx, 2, 64); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", c.Type, err)
		}
	}
	for _, size := range []int{0, -1, maxKey1 + 1} {
		if _, err := (Cost{}).Benchmark(t.Context(), 2, size); !errors.Is(err, ErrOption) {
			t.Errorf("key of %d bytes: %v", size, err)
		}
	}
}

// TestDefaultCost settles on cryptsetup's defaults.
func TestDefaultCost(t *testing.T) {
	t.Parallel()
	one, err := Cost{}.settled(1)
	if err != nil || one != (Cost{Type: kdfPBKDF2, Hash: "sha256", Time: 2 * time.Second}) {
		t.Errorf("LUKS1: %+v, %v", one, err)
	}
	two, err := Cost{}.settled(2)
	if err != nil || two.Type != kdfArgon2id || two.Time != 2*time.Second || two.Parallel < 1 || two.Parallel > 4 || two.Memory > 1<<20 {
		t.Errorf("LUKS2: %+v, %v", two, err)
	}
	if total := int64(totalMemory() >> 10); total > 0 && two.Memory > total/2 {
		t.Errorf("%d KiB of a machine with %d", two.Memory, total)
	}
}
