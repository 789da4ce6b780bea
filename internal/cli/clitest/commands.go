// Package clitest has the commands that the scripts in testdata/script use beside
// those of testscript:
//
//	exits CODE PROGRAM [ARGS...]       runs a program that must exit with CODE
//	detdata KIND SEED SIZE BLOCK FILE  writes data as testdata/detdata.py defines it
//	unhex FILE HEX                     writes bytes
//	poke FILE OFFSET HEX               overwrites bytes
//	resize FILE BYTES                  cuts a file, or extends it with zeros
//	size FILE BYTES                    demands a size
//	sha256 FILE HEX                    demands a digest
//	json PATH VALUE                    demands a value of the JSON on stdout, as in data.0.first_block
//	holds DIR [NAMES...]               demands the names in a folder, no more and no less
//	cmp-around A B BEGIN END           compares two files except for bytes BEGIN to END-1; one may be longer there
//	save FILE                          writes the last stdout to FILE
//
// It is linked into tests only.
package clitest

import (
	"crypto/sha256"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Script is what a command needs of a *testscript.TestScript.
type Script interface {
	Exec(command string, args ...string) error
	MkAbs(file string) string
	ReadFile(file string) string // "stdout" is the last standard output
	Fatalf(format string, args ...any)
}

// Commands returns the commands by their names.
func Commands() map[string]func(ts Script, neg bool, args []string) {
	plain := map[string]func(ts Script, args []string) error{
		"exits": exits, "detdata": detdata, "unhex": unhex, "poke": poke, "resize": resize, "size": size,
		"sha256": digest, "json": jsonValue, "holds": holds, "save": save,
		"cmp-around": compareAround,
	}
	commands := make(map[string]func(Script, bool, []string))
	for name, run := range plain {
		commands[name] = func(ts Script, neg bool, args []string) {
			if neg {
				ts.Fatalf("unsupported: ! %s", name)
			}
			if err := run(ts, args); err != nil {
				ts.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
			}
		}
	}
	return commands
}

func want(args []string, n int) error {
	if len(args) != n {
		return fmt.Errorf("%d arguments, want %d", len(args), n)
	}
	return nil
}

func exits(ts Script, args []string) error {
	if len(args) < 2 {
		return errors.New("want CODE PROGRAM [ARGS...]")
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		return err
	}
	if got != code {
		return fmt.Errorf("exit status %d, want %d", got, code)
	}
	return nil
}

func detdata(ts Script, args []string) error {
	if err := want(args, 5); err != nil {
		return err
	}
	length, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	block, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	data, err := Data(args[0], args[1], length, block)
	if err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs(args[4]), data, 0o644)
}

// Data returns size bytes as testdata/detdata.py KIND SEED SIZE BLOCK prints them.
func Data(kind, seed string, size, block int) ([]byte, error) {
	data := make([]byte, size)
	squeeze := func(p []byte) {
		shake := sha3.NewSHAKE128()
		_, _ = shake.Write([]byte(seed))
		_, _ = shake.Read(p)
	}
	switch kind {
	case "zero":
	case "shake":
		squeeze(data)
	case "same":
		one := make([]byte, block)
		squeeze(one)
		for at := 0; at < size; at += block {
			copy(data[at:], one)
		}
	case "holes":
		squeeze(data)
		for i := 0; i*block < size; i++ {
			if (i*7+3)%5 == 0 {
				clear(data[i*block : min(size, (i+1)*block)])
			}
		}
	default:
		return nil, fmt.Errorf("unknown kind of data %q", kind)
	}
	return data, nil
}

func unhex(ts Script, args []string) error {
	if err := want(args, 2); err != nil {
		return err
	}
	b, err := hex.DecodeString(args[1])
	if err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs(args[0]), b, 0o644)
}

func poke(ts Script, args []string) error {
	if err := want(args, 3); err != nil {
		return err
	}
	off, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	b, err := hex.DecodeString(args[2])
	if err != nil {
		return err
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, off)
	return errors.Join(err, f.Close())
}

func resize(ts Script, args []string) error {
	if err := want(args, 2); err != nil {
		return err
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(n), f.Close())
}

func size(ts Script, args []string) error {
	if err := want(args, 2); err != nil {
		return err
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	if err == nil && strconv.FormatInt(info.Size(), 10) != args[1] {
		return fmt.Errorf("it has %d bytes", info.Size())
	}
	return err
}

func digest(ts Script, args []string) error {
	if err := want(args, 2); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(ts.ReadFile(args[0])))
	if got := hex.EncodeToString(sum[:]); got != args[1] {
		return fmt.Errorf("its digest is %s", got)
	}
	return nil
}

func jsonValue(ts Script, args []string) error {
	if err := want(args, 2); err != nil {
		return err
	}
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("more than one JSON document")
	}
	for _, key := range strings.Split(args[0], ".") {
		next, ok := member(v, key)
		if !ok {
			return fmt.Errorf("nothing at %q", key)
		}
		v = next
	}
	if s, ok := v.(string); ok && s == args[1] {
		return nil
	}
	text, err := json.Marshal(v)
	if err == nil && string(text) != args[1] {
		return fmt.Errorf("it is %s", text)
	}
	return err
}

// member returns the member of an object or the element of a list that key names.
func member(v any, key string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		m, ok := v[key]
		return m, ok
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(v) {
			return v[i], true
		}
	}
	return nil, false
}

func holds(ts Script, args []string) error {
	if len(args) == 0 {
		return errors.New("want DIR [NAMES...]")
	}
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	if err != nil {
		return err
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	names := slices.Sorted(slices.Values(args[1:]))
	if !slices.Equal(got, names) {
		return fmt.Errorf("it holds %q", got)
	}
	return nil
}

func save(ts Script, args []string) error {
	if err := want(args, 1); err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile("stdout")), 0o644)
}

func compareAround(ts Script, args []string) error {
	if err := want(args, 4); err != nil {
		return err
	}
	begin, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	end, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	a, b := ts.ReadFile(args[0]), ts.ReadFile(args[1])
	if len(a) < begin || len(b) < begin || a[:begin] != b[:begin] {
		return errors.New("they differ in front")
	}
	if a[min(end, len(a)):] != b[min(end, len(b)):] {
		return errors.New("they differ behind")
	}
	if a == b {
		return errors.New("they are equal")
	}
	return nil
}
