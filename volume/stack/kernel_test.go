package stack_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/stack"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// luksKeys are the volume keys of the LUKS2 cases, whose tables refer to the
// keyring (passphrase "pass"; cryptsetup luksDump --dump-volume-key).
var luksKeys = map[string]string{
	"luks-2": "9e8370aae65aa6d3edb9e2214952604c0a50b504245129e95a212f9f6feb931e" +
		"5004438a7acad63b7dd39aed387e52a03e3dd7afde906eb8002c389e1b2f2b8f",
	"luks-2-argon2id": "4ce0df03f47a80db90a604da6bdcaba36da1e63f38079f4e95fd8a1898e5df41" +
		"51ea229436596194368e474101a1da17fcab16315940edb55d694e41dcde0d0b",
	"luks-2-int-hmac": "247b967bab80c63359ad60888add66e75e504335ed7808dfcf8ddba0d01ff131" +
		"6d3e48c340bd920f83a42018602858d6906d71d8bd7b8bae87709e22643246e5" +
		"182103e32ffad96ce0339e0bffca2b8feddc8ed0dc60f7912773120d15a3b379",
}

// scope says why a case is not read, by its tables alone: the targets without
// engine, the ciphers and IVs that package crypt does not list, or "" for a
// case in scope. err is what opening it must give then.
func scope(t *testing.T, c volumetest.Case) (reason string, err error) {
	have := volume.Builtin()
	for _, name := range c.Targets() {
		if have[name] == nil {
			return "target " + name, volume.ErrUnsupported
		}
	}
	for _, d := range c.Devices(t) {
		for _, table := range d.Tables {
			if ct, ok := table.(tables.CryptTable); ok && !listed(t, ct) {
				return "crypt " + ct.Encryption, crypt.ErrUnsupported
			}
		}
	}
	return "", nil
}

// listed says whether package crypt lists the cipher and IV of a table.
func listed(t *testing.T, ct tables.CryptTable) bool {
	spec, err := crypt.ParseSpec(ct.Encryption)
	if err != nil {
		t.Fatalf("ParseSpec(%q): %v", ct.Encryption, err)
	}
	name := spec.Cipher
	if !spec.CAPI {
		name = cmp.Or(spec.Chain, "cbc") + "(" + spec.Cipher + ")"
	}
	isIt := func(i crypt.CipherInfo) bool { return i.APIName == name }
	return ct.Integrity != "" || slices.ContainsFunc(crypt.Ciphers(), isIt) &&
		(spec.IV == "" || slices.Contains(crypt.IVs(), spec.IV))
}

// open opens a device of a case, with its images in dir.
func open(t *testing.T, c volumetest.Case, paths map[string]string, device string) (*stack.Stack, error) {
	t.Helper()
	o := stack.Options{Map: paths}
	o.Key = func(string) ([]byte, error) { return hex.DecodeString(luksKeys[c.Name]) }
	return stack.Open(o, c.Devices(t), device)
}

// TestKernelVolumes reads every case of the corpora that is in scope and
// compares with what the kernel read. The others must be refused with the right
// error, never read wrongly, and are counted by reason.
func TestKernelVolumes(t *testing.T) {
	t.Parallel()
	for corpus, atLeast := range map[string]int{"kernel-samples": 64, "kernel-hard": 57, "lab": 27} {
		t.Run(corpus, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			counts := make(map[string]int)
			t.Cleanup(func() {
				for _, reason := range slices.Sorted(maps.Keys(counts)) {
					t.Logf("%3d %s", counts[reason], reason)
				}
				if counts["read"] < atLeast {
					t.Errorf("only %d cases were read, want %d or more", counts["read"], atLeast)
				}
			})
			for _, c := range volumetest.Cases(t, corpus) {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					reason := check(t, c)
					mu.Lock()
					defer mu.Unlock()
					counts[reason]++
				})
			}
		})
	}
}

// check deals with one case, and says how.
func check(t *testing.T, c volumetest.Case) string {
	reason, want := scope(t, c)
	switch {
	case reason != "":
		checkUnsupported(t, c, want)
		return "out of scope: " + reason
	case c.Verdict.Load == "refused":
		checkRefused(t, c)
		return "refused as by the kernel"
	case len(c.Expects) == 0:
		checkEmpty(t, c)
		return "opened, nothing to read"
	}
	dir := c.Unpack(t)
	for _, e := range c.Expects {
		checkRead(t, c, c.Paths(dir), dir, e)
		if len(c.Variants) > 0 {
			checkRead(t, c, c.VariantPaths(dir), dir, e)
		}
	}
	return "read"
}

// checkUnsupported opens a case that is out of scope over devices of zeros: it
// must be refused for what its table says.
func checkUnsupported(t *testing.T, c volumetest.Case, want error) {
	o := stack.Options{Map: make(map[string]string)}
	for word, to := range c.Map {
		if strings.HasPrefix(to, "@") {
			o.Map[word] = to
		}
	}
	o.Open = func(string, int, fs.FileMode) (volume.Backend, error) {
		return volume.Open(volume.Options{}, tables.ZeroTable{Length: 1 << 50})
	}
	devices := c.Devices(t)
	name := ""
	if len(c.Expects) > 0 {
		name = c.Expects[0].Device
	}
	s, err := stack.Open(o, devices, name)
	if err == nil {
		_ = s.Close()
	}
	if errors.Is(err, integrity.ErrNotIntegrity) { // zeros are no device to put encryption on
		err = want
	}
	if !errors.Is(err, want) {
		t.Errorf("Open: %v, want %v", err, want)
	}
}

// checkRefused is for tables that the kernel would not load.
func checkRefused(t *testing.T, c volumetest.Case) {
	dir := c.Unpack(t)
	if s, err := open(t, c, c.Paths(dir), c.Verdict.Device); err == nil {
		_ = s.Close()
		t.Errorf("Open succeeds, the kernel said %s", c.Verdict.Errno)
	}
}

// checkEmpty is for cases that show a table only; some lack their images.
func checkEmpty(t *testing.T, c volumetest.Case) {
	s, err := open(t, c, c.Paths(t.TempDir()), "")
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

// checkRead reads one device of a case.
func checkRead(t *testing.T, c volumetest.Case, paths map[string]string, dir string, e volumetest.Expect) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(dir, e.Content))
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t, c, paths, e.Device)
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
	lost := e.Unreadable()
	switch {
	case c.Name == "verity-corrupt-eio": // its content ends where the damage starts
		lost = bad
		if len(bad) == 0 || bad[0].Offset != int64(len(want)) {
			t.Errorf("unreadable: %v, want the first at %d", bad, len(want))
		}
	case int64(len(want)) != size:
		t.Errorf("size is %d, the kernel's %d", size, len(want))
	}
	if !slices.Equal(bad, lost) {
		t.Errorf("unreadable: %v, want %v", bad, lost)
	}
	data := got.Bytes()[:len(want)]
	if !bytes.Equal(data, want) {
		t.Errorf("%s: the content differs from the kernel's", e.Device)
	}
}
