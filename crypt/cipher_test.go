package crypt

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// combination is a cipher and an IV mode that belong together.
type combination struct {
	spec    string // without capi: where the cipher has a form without
	capi    string
	info    CipherInfo
	keySize int // the largest the cipher takes, bytes
}

// combinations lists every pair of a listed cipher and a listed IV mode but
// those that the kernel does not take: essiv without a hash that fits the cipher,
// and eboiv on a stream.
func combinations() []combination {
	var all []combination
	for _, info := range Ciphers() {
		for _, iv := range IVs() {
			switch iv {
			case "essiv":
				hash := fittingHash(info)
				if hash == "" {
					continue
				}
				iv += ":" + hash
			case "eboiv":
				if strings.Contains(info.APIName, "ctr(") {
					continue
				}
			}
			all = append(all, combination{
				spec: info.Name + "-" + iv, capi: "capi:" + info.APIName + "-" + iv,
				info: info, keySize: slices.Max(info.KeySizes),
			})
		}
	}
	return all
}

// fittingHash names a hash whose digest is a key of the cipher.
func fittingHash(info CipherInfo) string {
	switch {
	case strings.Contains(info.Name, "cast5"):
		return "md5"
	case strings.Contains(info.Name, "des3_ede"):
		return ""
	}
	return "sha256"
}

// TestNothingIsAllocated encrypts and decrypts with every cipher and IV.
func TestNothingIsAllocated(t *testing.T) { // not parallel: it counts allocations
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool allocate")
	}
	for _, combination := range combinations() {
		c, err := NewCipher(Config{Spec: combination.spec, Key: countingKey(combination.keySize)})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{512, 40 << 10} {
			p := make([]byte, size)
			allocs := testing.AllocsPerRun(5, func() {
				c.EncryptSectors(p, p, 1)
				c.DecryptSectors(p, p, 1)
			})
			if allocs != 0 {
				t.Errorf("%s, %d bytes: %v allocations, want 0", combination.spec, size, allocs)
			}
		}
	}
}

// TestConcurrentUse shares one cipher of each kind between goroutines.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, combination := range combinations() {
		c, err := NewCipher(Config{Spec: combination.spec, Key: countingKey(combination.keySize)})
		if err != nil {
			t.Fatal(err)
		}
		plain := patterned(20 * 512)
		want := make([]byte, len(plain))
		c.EncryptSectors(want, plain, 3)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				got := make([]byte, len(plain))
				for range 4 {
					c.EncryptSectors(got, plain, 3)
					if at := firstDifference(got, want); at >= 0 {
						t.Errorf("%s: concurrent EncryptSectors differs at byte %d", combination.spec, at)
					}
					c.DecryptSectors(got, got, 3)
					if at := firstDifference(got, plain); at >= 0 {
						t.Errorf("%s: concurrent DecryptSectors differs at byte %d", combination.spec, at)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestWrongLengthsPanic: misuse of the buffers is a bug of the caller.
func TestWrongLengthsPanic(t *testing.T) {
	t.Parallel()
	c, err := NewCipher(Config{Spec: "aes-xts-plain64", Key: make([]byte, 32), SectorSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	for _, lengths := range [][2]int{{512, 512}, {1024, 2048}, {2048, 1024}, {1000, 1000}} {
		for name, call := range map[string]func(dst, src []byte, sector uint64){
			"EncryptSectors": c.EncryptSectors,
			"DecryptSectors": c.DecryptSectors,
		} {
			func() {
				defer func() {
					if s := fmt.Sprint(recover()); !strings.HasPrefix(s, "crypt: ") {
						t.Errorf("%s with buffers of %v bytes: panic %q, want one that begins with crypt:", name, lengths, s)
					}
				}()
				call(make([]byte, lengths[0]), make([]byte, lengths[1]), 0)
			}()
		}
	}
	c.EncryptSectors(nil, nil, 7) // nothing to do is no misuse
}

// TestKeyIsNotKept changes the caller's key after NewCipher.
func TestKeyIsNotKept(t *testing.T) {
	t.Parallel()
	for _, combination := range combinations() {
		key := countingKey(combination.keySize)
		c, err := NewCipher(Config{Spec: combination.spec, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		before, after := make([]byte, 512), make([]byte, 512)
		c.EncryptSectors(before, before, 1)
		clear(key)
		c.EncryptSectors(after, after, 1)
		if firstDifference(before, after) >= 0 {
			t.Errorf("%s: clearing the key after NewCipher changed the cipher", combination.spec)
		}
	}
}
