// Command go-serpent measures serpent in XTS as a Go program has it without
// us: github.com/aead/serpent, one block at a time, in golang.org/x/crypto/xts.
//
//	go-serpent SECTOR-SIZE SLICES
//
// It prints the bytes a second of the best slice, of two milliseconds at least, and
// the SHA-256 digest of what it made of zeros with a key of zeros, so that the caller
// can see that it does the same work.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/aead/serpent"
	"golang.org/x/crypto/xts"
)

const (
	bufferSize = 64 << 10
	maxSlices  = 10000
	slice      = 2 * time.Millisecond
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "go-serpent:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: go-serpent SECTOR-SIZE SLICES")
	}
	size, err := strconv.Atoi(args[0])
	if err != nil || size < 512 || bufferSize%size != 0 {
		return fmt.Errorf("sector size %q: not a power of two from 512 to %d", args[0], bufferSize)
	}
	slices, err := strconv.Atoi(args[1])
	if err != nil || slices < 1 || slices > maxSlices {
		return fmt.Errorf("slices %q: not a number from 1 to %d", args[1], maxSlices)
	}
	c, err := xts.NewCipher(serpent.NewCipher, make([]byte, 64))
	if err != nil {
		return err
	}
	dst, src := make([]byte, bufferSize), make([]byte, bufferSize)
	decrypt := func() {
		for at := 0; at < bufferSize; at += size {
			c.Decrypt(dst[at:at+size], src[at:at+size], uint64(at/512))
		}
	}
	best := 0.0
	for range slices {
		calls, began, took := 0, time.Now(), time.Duration(0)
		for took < slice {
			decrypt()
			calls, took = calls+1, time.Since(began)
		}
		best = max(best, float64(calls*bufferSize)/took.Seconds())
	}
	_, err = fmt.Printf("%.0f %x\n", best, sha256.Sum256(dst))
	return err
}
