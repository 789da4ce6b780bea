package difftest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// row is one case. In table lines {0}, {1}, … are its disks, {name} is another of its
// devices, {root} and the like are what its tree made.
type row struct {
	// name is the target, "/" and what is special.
	name  string
	short bool // also runs in make test
	disks []disk
	// tree makes a verity tree on the disks.
	tree *tree
	// devices from the bottom up; the last one is read and written.
	devices []device
	// readOnly: the device is made read-only, and nothing is written.
	readOnly bool
	// noWrite leaves the writing out: why.
	noWrite string
	// noRead leaves the reading out too: why.
	noRead string
	// elsewhere: what is written is not what is read.
	elsewhere bool
	// better is why the engine reads what the kernel cannot.
	better string
	// status is why the engine's status is another one.
	status string
	// notYet says what no engine of ours has, where the target as such has one.
	notYet string
	// newer: Linux 6.1 does not have it.
	newer bool
	// extra: needs modules that Debian's kernels lack.
	extra bool
}

// disk is a backing file.
type disk struct {
	size  int64 // bytes
	zeros bool  // otherwise noise
	block uint32
}

// device is a mapping.
type device struct {
	name  string // of a word {name} in other devices, "" for the top
	lines []string
	// printed is what the kernel prints of the lines, nil for the same. A word * stands
	// for one that the kernel chooses.
	printed []string
	// older is what Linux 6.1 prints, nil for the same as newer ones.
	older []string
	// messages go to the target at sector 0 once it is there.
	messages []string
}

const kib = 1 << 10

// noise returns disks of random content.
func noise(sizes ...int64) []disk {
	list := make([]disk, len(sizes))
	for i, s := range sizes {
		list[i].size = s
	}
	return list
}

// zeroed returns disks of zeros.
func zeroed(sizes ...int64) []disk {
	list := noise(sizes...)
	for i := range list {
		list[i].zeros = true
	}
	return list
}

// lines is one device of these table lines.
func lines(text ...string) []device { return []device{{lines: text}} }

// target is the first part of the row's name.
func (r row) target() string {
	name, _, _ := strings.Cut(r.name, "/")
	return name
}

// pending says why there is no engine for the row, "" if there is.
func (r row) pending() string {
	if r.notYet != "" {
		return r.notYet
	}
	for _, d := range r.devices {
		for _, line := range d.lines {
			target := strings.Fields(line)[2]
			for _, s := range volume.Support() {
				if s.Name == target && !s.Read {
					return target + ": " + s.Reason
				}
			}
		}
	}
	return ""
}

// key returns a key of n bytes in hexadecimal, the same for the same seed.
func key(seed string, n int) string {
	var b []byte
	for i := 0; len(b) < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, i))
		b = append(b, sum[:]...)
	}
	return hex.EncodeToString(b[:n])
}

// rows returns all cases, those of one target together.
func rows() []row {
	return slices.Concat(simpleRows(), cryptRows(), verityRows(), snapshotRows(), poolRows(), cacheRows(),
		integrityRows(), aeadRows(), raidRows(), multipathRows(), testTargetRows())
}

// absent lists the targets that no row makes, and why.
var absent = map[string]string{
	"inlinecrypt": "no released kernel of the lab has it",
	"pcache":      "no kernel of the lab has it, and it wants persistent memory",
	"vdo":         "its volumes need a formatter that Debian does not have",
	"zoned":       "it wants a zoned disk, formatted by a tool that Debian does not have",
}

// TestRows checks the table of cases itself.
func TestRows(t *testing.T) {
	t.Parallel()
	seen, made, short := map[string]bool{}, map[string]bool{}, 0
	for _, r := range rows() {
		if seen[r.name] {
			t.Errorf("%s comes twice", r.name)
		}
		seen[r.name], made[r.target()] = true, true
		if r.short {
			short++
		}
		if len(r.devices) == 0 {
			t.Errorf("%s has no device", r.name)
			continue
		}
		checkLines(t, r)
	}
	for _, target := range tables.Targets() {
		if made[target] == (absent[target] != "") {
			t.Errorf("%s: want either rows, or a reason why there are none", target)
		}
		delete(made, target)
	}
	for target := range made {
		t.Errorf("%s: a row of a target that package tables does not know", target)
	}
	if len(seen) < 300 || short < 25 || short > 45 {
		t.Errorf("%d rows, %d of them in short runs: want at least 300, and about 30", len(seen), short)
	}
}

// checkLines checks that a row's lines parse, placeholders and all.
func checkLines(t *testing.T, r row) {
	t.Helper()
	for _, d := range r.devices {
		for _, line := range d.lines {
			for _, word := range strings.Fields(line) {
				if i := strings.Index(word, "{"); i >= 0 && strings.Contains(word, "}") {
					checkWord(t, r, word[i+1:strings.Index(word, "}")])
				}
			}
		}
		if d.printed != nil && len(d.printed) != len(d.lines) {
			t.Errorf("%s: %d lines, %d printed", r.name, len(d.lines), len(d.printed))
		}
	}
	if last := r.devices[len(r.devices)-1].lines[0]; strings.Fields(last)[2] != r.target() {
		t.Errorf("%s: its device is %s", r.name, strings.Fields(last)[2])
	}
}

// checkWord checks that a placeholder means something in the row.
func checkWord(t *testing.T, r row, word string) {
	t.Helper()
	known := r.tree != nil && slices.Contains(treeWords, word) ||
		slices.ContainsFunc(r.devices, func(d device) bool { return d.name == word })
	for i := range r.disks {
		known = known || word == fmt.Sprint(i)
	}
	if !known {
		t.Errorf("%s: nothing is called {%s}", r.name, word)
	}
}
