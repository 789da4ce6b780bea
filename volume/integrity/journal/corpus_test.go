package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// image reads a file into memory.
func image(t testing.TB, path string) memory {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCorpus reads the journals of devices that kernels made: healthy, killed
// and damaged ones.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range volumetest.Cases(t, corpus) {
			if !slices.Contains(c.Targets(), "integrity") || len(c.SHA256) == 0 || c.Verdict.Stage == "load" {
				continue
			}
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				dir := c.Unpack(t)
				checkCase(t, c, dir, c.Paths(dir))
				if len(c.Variants) > 0 {
					checkCase(t, c, dir, c.VariantPaths(dir))
				}
			})
		}
	}
}

func checkCase(t *testing.T, c volumetest.Case, dir string, paths map[string]string) {
	t.Helper()
	for name, lines := range c.Tables {
		words := strings.Fields(lines[0])
		if words[2] != "integrity" || words[6] == "I" {
			continue
		}
		var meta storage
		for _, word := range words {
			if at, ok := strings.CutPrefix(word, "meta_device:"); ok {
				meta = image(t, paths[at])
			}
		}
		d := openDevice(t, lines[0], image(t, paths[words[3]]), meta)
		if d.flags&blockFlagDirty != 0 || words[6] != "J" {
			continue // a bitmap is in the journal's place
		}
		o, err := d.overlay(t)
		at := slices.IndexFunc(c.Expects, func(e volumetest.Expect) bool { return e.Device == name })
		if at >= 0 && slices.Contains(c.Expects[at].Errno, "EIO") {
			if !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("%s: %v, want a damaged journal: the kernel reads nothing", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %d sections, %d blocks in the journal", name, d.config.Sections, o.Len())
		if at < 0 {
			continue
		}
		want := image(t, filepath.Join(dir, c.Expects[at].Content))
		if got, _ := d.content(t, o); !bytes.Equal(got[:len(want)], want) {
			t.Errorf("%s: content differs from what the kernel read", name)
		}
	}
}
