// Command go-loop makes a hash tree as a careful Go program does without a
// library for it, for the benchmarks: one goroutine, crypto/sha256, large reads,
// no allocation for each block. It makes what
//
//	veritysetup format --salt=HEX --uuid=UUID DATA HASH
//
// makes, and takes the same words.
package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	root, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-loop:", err)
		os.Exit(1)
	}
	fmt.Printf("%x\n", root)
}

func run(args []string) (root []byte, err error) {
	if len(args) == 0 || args[0] != "format" {
		return nil, errors.New("usage: go-loop format --salt=HEX --uuid=UUID DATA HASH")
	}
	flags := flag.NewFlagSet("go-loop format", flag.ContinueOnError)
	saltHex, uuid := flags.String("salt", "", "salt in hex"), flags.String("uuid", "", "UUID of the superblock")
	if err := flags.Parse(args[1:]); err != nil {
		return nil, err
	}
	if flags.NArg() != 2 {
		return nil, errors.New("want DATA and HASH")
	}
	salt, err := hex.DecodeString(*saltHex)
	if err != nil {
		return nil, fmt.Errorf("salt: %w", err)
	}
	id, err := hex.DecodeString(strings.ReplaceAll(*uuid, "-", ""))
	if err != nil || len(id) != 16 || len(salt) > maxSalt {
		return nil, fmt.Errorf("UUID %q or a salt of %d bytes: not what a superblock holds", *uuid, len(salt))
	}
	return format(flags.Arg(0), flags.Arg(1), salt, id)
}

func format(data, out string, salt, id []byte) (root []byte, err error) {
	in, err := os.Open(data)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() <= blockSize || info.Size()%blockSize != 0 {
		return nil, fmt.Errorf("%s: %d bytes: want two blocks or more, and whole ones", data, info.Size())
	}
	t := tree{salt: salt}
	levels, root, err := t.build(in, info.Size())
	if err != nil {
		return nil, err
	}
	head := superblock(salt, id, uint64(info.Size()/blockSize))
	if _, err := file.Write(head); err != nil {
		return nil, err
	}
	for i := len(levels) - 1; i >= 0; i-- { // the top comes first
		if _, err := file.Write(levels[i]); err != nil {
			return nil, err
		}
	}
	return root, nil
}
