package crypt

import (
	"errors"
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
	iv      string // the word, without options
	info    CipherInfo
	sizes   []int // bytes: what one key of the cipher may have
	keySize int   // bytes: the largest of sizes
}

// combinations lists every pair of a listed cipher and a listed IV mode but
// those that are not taken: essiv without a hash that fits the cipher, modes that
// work with certain chaining modes only. What the IV modes do is no matter of the
// cipher, so most ciphers come with all of them in cbc only.
func combinations() []combination {
	var all []combination
	for _, info := range Ciphers() {
		for _, iv := range IVs() {
			if !belong(info, iv) || isAlike(info) && iv != "plain64" && !strings.HasPrefix(info.APIName, "cbc") {
				continue
			}
			c := combination{iv: iv, info: info}
			if iv == "essiv" {
				iv += ":" + fittingHash(info)
			}
			c.spec, c.capi = info.Name+"-"+iv, "capi:"+info.APIName+"-"+iv
			for _, size := range info.KeySizes {
				if c.key(c.spec, size, 1) != nil {
					c.sizes = append(c.sizes, size)
				}
			}
			if len(c.sizes) == 0 {
				continue // no key of the cipher is one of elephant's
			}
			c.keySize = slices.Max(c.sizes)
			all = append(all, c)
		}
	}
	return all
}

// isAlike reports whether another cipher is made the same way.
func isAlike(info CipherInfo) bool {
	return info.BlockSize > 1 && !strings.Contains(info.APIName, "aes)") && !strings.Contains(info.APIName, "blowfish")
}

// belong reports whether the two are said to work together; without an IV any word
// is taken.
func belong(info CipherInfo, iv string) bool {
	if info.IVSize == 0 {
		return iv != "essiv"
	}
	return slices.Contains(info.IVs, iv)
}

// fittingHash names a hash whose digest is a key of the cipher.
func fittingHash(info CipherInfo) string {
	switch {
	case strings.Contains(info.Name, "cast5"), strings.Contains(info.APIName, "sm4"):
		return "md5"
	case strings.Contains(info.APIName, "(des)"):
		return "xxhash64"
	case strings.Contains(info.Name, "des"), info.BlockSize == 1, info.IVSize > info.BlockSize:
		return ""
	}
	return "sha256"
}

// key returns a key for spec, one of the forms of c, that holds count keys of the
// cipher, of size bytes, and what the IV mode takes; nil when there is none.
func (c combination) key(spec string, size, count int) []byte {
	if c.iv == "lmk" && strings.HasPrefix(spec, "capi:") {
		count = 64
	}
	total := size * count
	switch {
	case c.info.IVSize == 0:
	case c.iv == "tcw":
		total += c.info.IVSize + 16
	case c.iv == "elephant" && total != 16 && total != 24 && total != 32:
		return nil
	case c.iv == "elephant":
		total *= 2
	}
	return append([]byte{}, countingKey(total)...)
}

// sectorSize returns the sector size that the IV mode prescribes, or any.
func (c combination) sectorSize(want int) int {
	if c.info.IVSize > 0 && (c.iv == "lmk" || c.iv == "tcw") {
		return 512
	}
	return want
}

// TestWhatDoesNotFitIsRefused: a cipher takes the IV modes that it lists and no other.
func TestWhatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	for _, info := range Ciphers() {
		for _, iv := range IVs() {
			if info.IVSize == 0 || slices.Contains(info.IVs, iv) {
				continue // those that fit are combinations
			}
			c := combination{iv: iv, info: info, capi: "capi:" + info.APIName + "-" + iv}
			if iv == "essiv" {
				c.capi += ":md5"
			}
			for _, size := range []int{info.KeySizes[0], info.KeySizes[len(info.KeySizes)-1]} {
				if key := c.key(c.capi, size, 1); key != nil {
					if _, err := NewCipher(Config{Spec: c.capi, Key: key}); !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrKeySize) {
						t.Errorf("NewCipher(%q, %d-byte key) = %v, want a refusal", c.capi, len(key), err)
					}
				}
			}
		}
	}
}

// TestNothingIsAllocated encrypts and decrypts with every cipher and IV.
func TestNothingIsAllocated(t *testing.T) { // not parallel: it counts allocations
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool allocate")
	}
	for _, combination := range combinations() {
		c, err := NewCipher(Config{Spec: combination.spec, Key: combination.key(combination.spec, combination.keySize, 1)})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{512, 40 << 10} { // more than a batch too
			p := make([]byte, size)
			allocs := 1.0
			for range 3 { // a garbage collection in between empties the pools
				if allocs != 0 {
					allocs = testing.AllocsPerRun(2, func() {
						c.EncryptSectors(p, p, 1)
						c.DecryptSectors(p, p, 1)
					})
				}
			}
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
		c, err := NewCipher(Config{Spec: combination.spec, Key: combination.key(combination.spec, combination.keySize, 1)})
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
				for range 2 {
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
		key := combination.key(combination.spec, combination.keySize, 1)
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
