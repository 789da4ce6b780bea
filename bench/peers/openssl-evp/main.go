// Command openssl-evp measures AES-256-XTS of the OpenSSL on this machine as a disk
// tool in C has to use it: through EVP, with a new IV for each sector.
//
//	openssl-evp encrypt|decrypt SECTOR-SIZE SLICES
//
// It prints the bytes a second of the best slice, of two milliseconds of CPU time,
// the SHA-256 digest of what it made of zeros, so that the caller can see that it
// does the same work, and OpenSSL's version. It is built where libcrypto's headers
// are (package libssl-dev).
package main

// #cgo CFLAGS: -O2
// #cgo LDFLAGS: -lcrypto
// #include "evp.h"
import "C"

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"unsafe"
)

const (
	bufferSize = 64 << 10
	maxSlices  = 10000
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "openssl-evp:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 || args[0] != "encrypt" && args[0] != "decrypt" {
		return errors.New("usage: openssl-evp encrypt|decrypt SECTOR-SIZE SLICES")
	}
	size, err := strconv.Atoi(args[1])
	if err != nil || size < 16 || bufferSize%size != 0 {
		return fmt.Errorf("sector size %q: not a power of two from 16 to %d", args[1], bufferSize)
	}
	slices, err := strconv.Atoi(args[2])
	if err != nil || slices < 1 || slices > maxSlices {
		return fmt.Errorf("slices %q: not a number from 1 to %d", args[2], maxSlices)
	}
	encrypt := 0
	if args[0] == "encrypt" {
		encrypt = 1
	}
	dst := make([]byte, bufferSize)
	rate := C.measure((*C.uchar)(unsafe.Pointer(&dst[0])), bufferSize, C.int(size), C.int(encrypt), C.int(slices))
	if rate <= 0 {
		return errors.New("OpenSSL refused")
	}
	_, err = fmt.Printf("%.0f %x %s\n", float64(rate), sha256.Sum256(dst), C.GoString(C.version()))
	return err
}
