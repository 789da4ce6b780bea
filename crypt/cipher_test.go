package crypt

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestNothingIsAllocated encrypts and decrypts with every cipher and IV.
func TestNothingIsAllocated(t *testing.T) { // not parallel: it counts allocations
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool allocate")
	}
	for _, info := range Ciphers() {
		for _, iv := range IVs() {
			if iv == "essiv" {
				iv += ":sha256"
			}
			config := Config{Spec: info.Name + "-" + iv, Key: make([]byte, info.KeySizes[0])}
			c, err := NewCipher(config)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{512, 100 << 10} {
				p := make([]byte, size)
				allocs := testing.AllocsPerRun(20, func() {
					c.EncryptSectors(p, p, 1)
					c.DecryptSectors(p, p, 1)
				})
				if allocs != 0 {
					t.Errorf("%s, %d bytes: %v allocations, want 0", config.Spec, size, allocs)
				}
			}
		}
	}
}

// TestConcurrentUse shares one cipher of each kind between goroutines.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, info := range Ciphers() {
		c, err := NewCipher(Config{Spec: info.Name + "-essiv:sha256", Key: countingKey(info.KeySizes[0])})
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
				for range 20 {
					c.EncryptSectors(got, plain, 3)
					if at := firstDifference(got, want); at >= 0 {
						t.Errorf("%s: concurrent EncryptSectors differs at byte %d", info.Name, at)
					}
					c.DecryptSectors(got, got, 3)
					if at := firstDifference(got, plain); at >= 0 {
						t.Errorf("%s: concurrent DecryptSectors differs at byte %d", info.Name, at)
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
	for _, info := range Ciphers() {
		key := countingKey(info.KeySizes[0])
		c, err := NewCipher(Config{Spec: info.Name + "-essiv:sha256", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		before, after := make([]byte, 512), make([]byte, 512)
		c.EncryptSectors(before, before, 1)
		clear(key)
		c.EncryptSectors(after, after, 1)
		if firstDifference(before, after) >= 0 {
			t.Errorf("%s: clearing the key after NewCipher changed the cipher", info.Name)
		}
	}
}
