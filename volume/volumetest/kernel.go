package volumetest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/ulikunitz/xz"
)

// Case is one volume made and read by a real kernel; the README of its corpus
// tells what the fields mean.
type Case struct {
	Name, Kind, Family string
	Tables             map[string][]string // device → table lines as the kernel printed them
	Map                map[string]string   // device word → image, or "@NAME"
	Expects            []Expect
	Variants           map[string]string // image → the one it may stand for
	Absent             []string          `json:"absent_backing"` // images that are not there
	Status             []string          // what dmsetup status printed in the end, by device
	SHA256             map[string]string
	Verdict            struct {
		Load, Device, Stage, Errno string
	}

	archive string // path; "" when it is not here
}

// Expect says what a device of a case reads as.
type Expect struct {
	Device, Content string
	EIO             [][2]int64 // first sector and count of what the kernel could not read
	Errno           []string
}

// Unreadable lists the ranges in bytes that the kernel could not read.
func (e Expect) Unreadable() []volume.Extent {
	var list []volume.Extent
	for _, r := range e.EIO {
		list = append(list, volume.Extent{Offset: r[0] * tables.SectorSize, Length: r[1] * tables.SectorSize})
	}
	return list
}

// Cases loads the index of a corpus, "kernel-samples" or "kernel-hard": the
// copy in testdata/images of this module, or the larger collection beside the
// module. It skips the test if neither is there.
func Cases(t testing.TB, corpus string) []Case {
	t.Helper()
	root := moduleRoot(t)
	folders := []string{
		filepath.Join(root, "testdata", "images", corpus),
		filepath.Join(root, "..", "shared", "testdata", corpus),
	}
	cases := make(map[string]Case)
	for _, folder := range folders {
		text, err := os.ReadFile(filepath.Join(folder, "index.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatalf("corpus %s: %v", corpus, err)
		}
		var list []Case
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatalf("corpus %s: index.json: %v", corpus, err)
		}
		for _, c := range list {
			if known, ok := cases[c.Name]; ok && known.archive != "" {
				continue
			}
			archive := filepath.Join(folder, c.Name+".tar.xz")
			if _, err := os.Stat(archive); err == nil {
				c.archive = archive
			}
			cases[c.Name] = c
		}
	}
	if len(cases) == 0 {
		t.Skipf("corpus %s is neither in testdata/images nor beside the module", corpus)
	}
	return slices.SortedFunc(maps.Values(cases), func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}

// Targets lists the targets of the case's tables, each once.
func (c Case) Targets() []string {
	set := make(map[string]bool)
	for _, lines := range c.Tables {
		for _, line := range lines {
			if words := strings.Fields(line); len(words) > 2 {
				set[words[2]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Has says whether any table line holds the word.
func (c Case) Has(word string) bool {
	for _, lines := range c.Tables {
		for _, line := range lines {
			if slices.Contains(strings.Fields(line), word) {
				return true
			}
		}
	}
	return false
}

// Devices parses the tables.
func (c Case) Devices(t testing.TB) []tables.Device {
	t.Helper()
	var list []tables.Device
	for _, name := range slices.Sorted(maps.Keys(c.Tables)) {
		ts, err := tables.Parse(strings.NewReader(strings.Join(c.Tables[name], "\n") + "\n"))
		if err != nil {
			t.Fatalf("case %s: table of %s: %v", c.Name, name, err)
		}
		list = append(list, tables.Device{Name: name, Tables: ts})
	}
	return list
}

// Paths is Map with the images in dir.
func (c Case) Paths(dir string) map[string]string {
	paths := make(map[string]string, len(c.Map))
	for word, to := range c.Map {
		if !strings.HasPrefix(to, "@") {
			to = filepath.Join(dir, to)
		}
		paths[word] = to
	}
	return paths
}

// VariantPaths is Paths with the variants in the place of the images that they
// may stand for.
func (c Case) VariantPaths(dir string) map[string]string {
	paths := c.Paths(dir)
	for variant, image := range c.Variants {
		for word, path := range paths {
			if path == filepath.Join(dir, image) {
				paths[word] = filepath.Join(dir, variant)
			}
		}
	}
	return paths
}

// Unpack unpacks the images into a temporary folder, holes kept, and checks
// their sums. It skips the test if the archive is not here.
func (c Case) Unpack(t testing.TB) (dir string) {
	t.Helper()
	if c.archive == "" {
		t.Skipf("case %s: its images are not here", c.Name)
	}
	packed, err := os.ReadFile(c.archive)
	if err != nil {
		t.Fatal(err)
	}
	z, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatalf("%s: %v", c.archive, err)
	}
	dir = t.TempDir()
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err == nil && (h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeGNUSparse) {
			err = c.unpack(filepath.Join(dir, filepath.Base(h.Name)), archive)
		}
		if err != nil {
			t.Fatalf("%s: %v", c.archive, err)
		}
	}
}

// unpack writes one image.
func (c Case) unpack(path string, r io.Reader) error {
	b, err := volume.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	w := volume.NewSparseWriter(sparseFile{b, path})
	_, err = io.Copy(io.MultiWriter(w, sum), r)
	if err := errors.Join(err, w.Finish(), b.Close()); err != nil {
		return err
	}
	name := filepath.Base(path)
	if got := hex.EncodeToString(sum.Sum(nil)); c.SHA256[name] != "" && got != c.SHA256[name] {
		return fmt.Errorf("%s has SHA-256 %s, want %s", name, got, c.SHA256[name])
	}
	return nil
}

// sparseFile is a backend with the Truncate of its file.
type sparseFile struct {
	volume.Backend
	path string
}

func (f sparseFile) Truncate(size int64) error { return os.Truncate(f.path, size) }
