// Command regenerate keeps the committed corpora of this folder: it copies
// them from a directory of test material, checks them against manifest.json,
// makes the recorded veritysetup results anew with the real tool, packs volumes
// that the kernel lab made, and unpacks one archive. Run it from the top of the module:
//
//	go run ./testdata/regenerate check
//	go run ./testdata/regenerate tools
//	go run ./testdata/regenerate copy DIR
//	go run ./testdata/regenerate lab DIR
//	go run ./testdata/regenerate unpack ARCHIVE.tar.xz DIR
//
// It exits 1 when something differs and 2 on wrong use.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// corpus is the folder that the program keeps, relative to the module's top.
const corpus = "testdata"

var errUsage = errors.New("usage: regenerate check | tools | copy DIR | lab DIR | unpack ARCHIVE.tar.xz DIR")

func main() {
	err := run(os.Args[1:])
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "regenerate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	if _, err := os.Stat(filepath.Join(corpus, "regenerate", "main.go")); err != nil {
		return fmt.Errorf("must be run from the top of the module: %w", err)
	}
	switch verb, rest := args[0], args[1:]; {
	case verb == "check" && len(rest) == 0:
		return check()
	case verb == "tools" && len(rest) == 0:
		return remakeVerity()
	case verb == "copy" && len(rest) == 1:
		return copyFrom(rest[0])
	case verb == "lab" && len(rest) == 1:
		return packLab(rest[0])
	case verb == "unpack" && len(rest) == 2:
		return unpack(rest[0], rest[1])
	}
	return errUsage
}
