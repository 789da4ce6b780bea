package luks

import (
	"context"
	"fmt"
	"testing"

	"github.com/dmimg/dmimg/internal/hashes"
)

// BenchmarkPBKDF2 reports iterations per second on one core, as cryptsetup benchmark does.
func BenchmarkPBKDF2(b *testing.B) {
	for _, name := range []string{"sha1", "sha256", "sha512", "ripemd160", "whirlpool", "blake2b-512"} {
		b.Run("hash="+name, func(b *testing.B) {
			a, err := hashes.Lookup(name)
			if err != nil {
				b.Fatal(err)
			}
			key := make([]byte, min(32, a.Size))
			const n = 20000
			for b.Loop() {
				_ = pbkdf2(context.Background(), a, []byte("foo"), []byte("0123456789abcdef0123456789abcdef"), n, key)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "iterations/s")
		})
	}
}

// BenchmarkArgon2 derives a key with the costs of cryptsetup's benchmark.
func BenchmarkArgon2(b *testing.B) {
	for _, lanes := range []int64{1, 2, 4} {
		for _, memory := range []int64{64 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("lanes=%d/memory=%dMiB", lanes, memory>>10), func(b *testing.B) {
				k := KDF{Type: kdfArgon2id, Time: 4, Memory: memory, CPUs: lanes, Salt: make([]byte, 32)}
				key := make([]byte, 32)
				for b.Loop() {
					if err := k.derive(context.Background(), []byte("foo"), key); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
