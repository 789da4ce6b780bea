package crypt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dmimg/dmimg/crypt/xts"
)

// TestAESImplementations compares the implementations of the modes of AES with plain
// Go, for runs of all lengths around what is worked on at once, apart and in place.
func TestAESImplementations(t *testing.T) {
	t.Parallel()
	for spec, keySizes := range map[string][]int{
		"aes-xts-plain64":      {32, 64},
		"aes-xts-essiv:sha256": {64},
		"aes-cbc-essiv:sha256": {16, 24, 32},
		"aes-cbc-plain64be":    {32},
		"aes-ctr-plain64":      {16, 24, 32},
		"aes-ctr-plain64be":    {32}, // counters that carry
	} {
		for _, name := range xts.Implementations() {
			for _, keySize := range keySizes {
				for _, size := range []int{512, 1024, 2048, 4096} {
					t.Run(fmt.Sprintf("%s/%s/%d/%d", spec, name, keySize, size), func(t *testing.T) {
						t.Parallel()
						c := Config{Spec: spec, Key: randomBytes(uint64(keySize), keySize), SectorSize: size}
						compareImplementations(t, c, name)
					})
				}
			}
		}
	}
}

func compareImplementations(t *testing.T, c Config, name string) {
	t.Helper()
	judge, tested := c, c
	judge.Implementation, tested.Implementation = "generic", name
	want, err := NewCipher(judge)
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewCipher(tested)
	if err != nil {
		t.Fatal(err)
	}
	counts := []int{1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 65, 130}
	if testing.Short() || c.SectorSize > 512 {
		counts = []int{1, 3, 4, 17, 20}
	}
	for _, n := range counts {
		plain := randomBytes(uint64(n), n*c.SectorSize)
		sector := -uint64(n*c.SectorSize/512) / 16 * 8 // half of them below the largest number
		sealed := make([]byte, len(plain))
		want.EncryptSectors(sealed, plain, sector)

		out := make([]byte, len(plain))
		got.EncryptSectors(out, plain, sector)
		if !bytes.Equal(out, sealed) {
			t.Fatalf("%d sectors: encrypted otherwise than by generic", n)
		}
		got.DecryptSectors(out, out, sector)
		if !bytes.Equal(out, plain) {
			t.Fatalf("%d sectors: decrypted in place otherwise than by generic", n)
		}
		got.EncryptSectors(out, out, sector)
		if !bytes.Equal(out, sealed) {
			t.Fatalf("%d sectors: encrypted in place otherwise than by generic", n)
		}
		clear(out)
		got.DecryptSectors(out, sealed, sector)
		if !bytes.Equal(out, plain) {
			t.Fatalf("%d sectors: decrypted otherwise than by generic", n)
		}
	}
}

func randomBytes(seed uint64, n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(p)
	return p
}

// TestAESModesAllocateNothing is about the modes that have implementations in
// assembly, by each of them.
func TestAESModesAllocateNothing(t *testing.T) { // not parallel: it counts allocations
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool allocate")
	}
	for _, spec := range []string{"aes-xts-plain64", "aes-cbc-plain64", "aes-ctr-plain64"} {
		for _, name := range xts.Implementations() {
			c, err := NewCipher(Config{Spec: spec, Key: make([]byte, 32), Implementation: name})
			if err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 40*512)
			if n := testing.AllocsPerRun(20, func() { c.EncryptSectors(p, p, 0); c.DecryptSectors(p, p, 0) }); n != 0 {
				t.Errorf("%s by %s: %v allocations, want none", spec, name, n)
			}
		}
	}
}

// TestAESImplementationsAreListed looks at what people are told.
func TestAESImplementationsAreListed(t *testing.T) {
	t.Parallel()
	listed := 0
	for _, info := range Ciphers() {
		if slices.Contains([]string{"aes-xts", "aes-cbc", "aes-ctr"}, info.Name) {
			listed++
			if !slices.Equal(info.Implementations, Implementations()) {
				t.Errorf("%s: %q, want %q", info.Name, info.Implementations, Implementations())
			}
		}
	}
	if listed != 3 {
		t.Errorf("%d of the three modes are listed", listed)
	}
}
