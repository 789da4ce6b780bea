package volume_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// single lists the cases of a corpus that are one device over files, with
// targets that have an engine; package stack tests the others too.
func single(t *testing.T, corpus string) (list []volumetest.Case) {
	have := volume.Builtin()
	for _, c := range volumetest.Cases(t, corpus) {
		inScope := len(c.Tables) == 1 && len(c.Expects) == 1 && !strings.HasPrefix(c.Name, "luks-2")
		for _, name := range c.Targets() {
			inScope = inScope && have[name] != nil
		}
		if inScope {
			list = append(list, c)
		}
	}
	if len(list) < 15 {
		t.Errorf("corpus %s has only %d cases in scope", corpus, len(list))
	}
	return list
}

// withPaths parses the tables of a case with the paths of its images in the
// place of device numbers.
func withPaths(t *testing.T, c volumetest.Case, dir string) []tables.Table {
	t.Helper()
	var lines []string
	for _, line := range c.Tables[c.Expects[0].Device] {
		words := strings.Fields(line)
		for i, word := range words {
			option, device, isOption := strings.Cut(word, ":")
			if option != "meta_device" || !isOption {
				option, device = "", word
			} else {
				option += ":"
			}
			if path, ok := c.Paths(dir)[device]; ok {
				words[i] = option + strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(path)
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return parse(t, lines...)
}

// openCase opens a case by path; ciphers that are not there skip it.
func openCase(t *testing.T, c volumetest.Case, dir string, flag int) volume.Volume {
	t.Helper()
	v, err := volume.OpenUserspaceVolume(flag, 0, withPaths(t, c, dir)...)
	if errors.Is(err, crypt.ErrUnsupported) {
		t.Skipf("out of scope: %v", err)
	}
	if err != nil {
		t.Fatalf("OpenUserspaceVolume: %v", err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// content is what the kernel read.
func content(t *testing.T, c volumetest.Case, dir string) []byte {
	t.Helper()
	p, err := os.ReadFile(filepath.Join(dir, c.Expects[0].Content))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestKernelCasesByPath reads every case of one device through the seed's
// function, by path, in one ReadAt and in many.
func TestKernelCasesByPath(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range single(t, corpus) {
			t.Run(corpus+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				dir := c.Unpack(t)
				want := content(t, c, dir)
				v := openCase(t, c, dir, os.O_RDONLY)
				if len(c.Expects[0].EIO) > 0 || c.Name == "verity-corrupt-eio" {
					damaged(t, c, v, want)
					return
				}
				if got := mustRead(t, v, 0, len(want)); !bytes.Equal(got, want) {
					t.Error("one large read differs from the kernel's")
				}
				pieces(t, v, want)
				if n, err := v.ReadAt(make([]byte, 4096), int64(len(want))); n != 0 || err == nil {
					t.Errorf("ReadAt past the end = %d, %v", n, err)
				}
			})
		}
	}
}

// pieces reads everything in random pieces.
func pieces(t *testing.T, v volume.Volume, want []byte) {
	t.Helper()
	const unit = 4096
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		first := r.IntN((len(want) + unit - 1) / unit)
		off := first * unit
		n := min((1+r.IntN(20))*unit, len(want)-off)
		if got := mustRead(t, v, int64(off), n); !bytes.Equal(got, want[off:off+n]) {
			t.Fatalf("%d bytes at %d differ from the kernel's", n, off)
		}
	}
}

// damaged reads up to the first sector that the kernel could not read.
func damaged(t *testing.T, c volumetest.Case, v volume.Volume, want []byte) {
	t.Helper()
	good := len(want)
	if list := c.Expects[0].Unreadable(); len(list) > 0 {
		good = int(list[0].Offset)
	}
	got := dirty(good + 4096)
	n, err := v.ReadAt(got, 0)
	isKnown := slices.ContainsFunc([]error{verity.ErrCorrupt, volume.ErrIO, integrity.ErrCorrupt, integrity.ErrJournal}, func(known error) bool { return errors.Is(err, known) })
	if n != good || !isKnown || !bytes.Equal(got[:n], want[:good]) {
		t.Errorf("ReadAt = %d, %v, want %d and the kernel's bytes", n, err, good)
	}
}

// TestCorruptReadStops: of the case that the kernel could read up to byte
// 20480, exactly that much comes out, then an error that says what and where.
func TestCorruptReadStops(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(single(t, "kernel-samples"), func(c volumetest.Case) bool { return c.Name == "verity-corrupt-eio" })
	if i < 0 {
		t.Fatal("the case is not in the corpus")
	}
	c := single(t, "kernel-samples")[i]
	dir := c.Unpack(t)
	var dst bytes.Buffer
	_, err := volume.ReadRange(background, openCase(t, c, dir, os.O_RDONLY), &dst, 0, 512*sector, volume.ReadOptions{})
	var failed *volume.RangeError
	if !errors.Is(err, verity.ErrCorrupt) || !errors.As(err, &failed) || failed.Offset != 20480 || failed.Length != 4096 {
		t.Errorf("ReadRange: %v, want the block at 20480", err)
	}
	if want := content(t, c, dir); !bytes.Equal(dst.Bytes(), want) {
		t.Errorf("%d bytes before the error, want the kernel's %d", dst.Len(), len(want))
	}
}

// TestKernelCasesWritten scrambles the images of every writable case through
// the volume, writes the kernel's content through it again, and demands the
// kernel's images back, byte for byte: encryption and placement are the
// kernel's.
func TestKernelCasesWritten(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range single(t, corpus) {
			if once := []string{"delay", "error", "integrity", "verity", "zero"}; slices.ContainsFunc(c.Targets(), func(s string) bool { return slices.Contains(once, s) }) {
				continue // what is written to these is not what is read, or they have a test of their own
			}
			t.Run(corpus+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				dir := c.Unpack(t)
				plain := content(t, c, dir)
				images := make(map[string][]byte)
				for _, path := range c.Paths(dir) {
					image, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					images[path] = image
				}
				v := openCase(t, c, dir, os.O_RDWR)
				for _, p := range [][]byte{noise(1, len(plain)), plain} {
					if n, err := v.WriteAt(p, 0); n != len(p) || err != nil {
						t.Fatalf("WriteAt = %d, %v", n, err)
					}
					if got := mustRead(t, v, 0, len(p)); !bytes.Equal(got, p) {
						t.Fatal("what was written is not what is read")
					}
				}
				for path, want := range images {
					if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s is not the kernel's image (%v)", filepath.Base(path), err)
					}
				}
			})
		}
	}
}
