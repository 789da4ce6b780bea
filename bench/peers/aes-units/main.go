// Command aes-units measures how fast the AES units of this processor are by
// themselves: the rounds of AES-256 on registers, with nothing else to do. No mode of
// AES can be faster.
//
//	aes-units SLICES
//
// It prints the bytes a second of the best slice, of two milliseconds of CPU time. It
// needs VAES and AVX-512.
package main

// #cgo CFLAGS: -O2
// #include "units.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

const maxSlices = 10000

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "aes-units:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: aes-units SLICES")
	}
	slices, err := strconv.Atoi(args[0])
	if err != nil || slices < 1 || slices > maxSlices {
		return fmt.Errorf("slices %q: not a number from 1 to %d", args[0], maxSlices)
	}
	rate := C.measure(C.int(slices))
	if rate <= 0 {
		return errors.New("not here: this processor lacks VAES or AVX-512")
	}
	_, err = fmt.Printf("%.0f\n", float64(rate))
	return err
}
