package difftest

import (
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
	"text/tabwriter"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

// column is a thing that is compared.
type column int

const (
	made   column = iota // the kernel makes the device
	text                 // its table text is what was loaded, and package tables agrees
	status               // package tables reads and writes the status text; an engine says the same
	reads                // the engine reads the same, and fails in the same places
	writes               // the kernel reads what the engine wrote
	tool                 // our dmsetup prints what the real one prints
	columns
)

var columnNames = [columns]string{"kernel made", "table text", "status", "userspace read", "userspace write", "dmsetup"}

// What a cell says. The empty cell is a comparison that has no sense for the row.
const (
	good     = "ok"
	bad      = "FAILED"
	notYet   = "not yet"   // no engine
	noModule = "no module" // the kernel lacks something
	none     = ""
)

// result is a row of the matrix.
type result struct {
	Name  string          `json:"name"`
	Cells [columns]string `json:"cells"`
	Note  string          `json:"note,omitempty"` // why a cell is not ok
}

// matrix is what one boot left.
type matrix struct {
	Kernel   string   `json:"kernel"`
	Rows     []result `json:"rows"`
	Refusals int      `json:"refusals"` // tables that both sides refuse
	Accepted int      `json:"accepted"` // tables of the list of refusals that both accept
	// Unjudged are those that the kernel refuses and no engine has looked at yet.
	Unjudged []string `json:"unjudged"`
	// Differences are tables on which the two sides do not agree, with the reason.
	Differences []string `json:"differences"`
}

// tally counts the cells of some rows.
type tally struct {
	rows  int
	cells [columns]map[string]int
}

func (c *tally) add(r result) {
	c.rows++
	for i, cell := range r.Cells {
		if c.cells[i] == nil {
			c.cells[i] = map[string]int{}
		}
		c.cells[i][cell]++
	}
}

// cell is what all rows say in one word: the number that are ok, then the others.
func (c *tally) cell(i column) string {
	var words []string
	for _, what := range []string{good, bad, notYet, noModule} {
		switch n := c.cells[i][what]; {
		case n == 0:
		case what == good:
			words = append(words, fmt.Sprint(n))
		default:
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, ", ")
}

// targets are the targets of the rows, in their order.
func (m *matrix) targets() (names []string, tallies map[string]*tally) {
	tallies = map[string]*tally{}
	for _, r := range m.Rows {
		name, _, _ := strings.Cut(r.Name, "/")
		if tallies[name] == nil {
			names, tallies[name] = append(names, name), &tally{}
		}
		tallies[name].add(r)
	}
	return names, tallies
}

// writeText writes the summary, then all that is not ok.
func (m *matrix) writeText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(table, "Linux %s\trows\t%s\n", m.Kernel, strings.Join(columnNames[:], "\t"))
	names, tallies := m.targets()
	total := tally{}
	for _, r := range m.Rows {
		total.add(r)
	}
	tallies["all"] = &total
	for _, name := range append(names, "all") {
		c := tallies[name]
		fmt.Fprintf(table, "%s\t%d", name, c.rows)
		for i := range columns {
			fmt.Fprintf(table, "\t%s", c.cell(i))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range m.Rows {
		if slices.Contains(r.Cells[:], bad) || slices.Contains(r.Cells[:], noModule) {
			fmt.Fprintf(w, "%s: %s\n", r.Name, r.Note)
		}
	}
	fmt.Fprintf(w, "refused by both: %d tables, accepted by both: %d, by one of them: %d\n", m.Refusals, m.Accepted, len(m.Differences))
	fmt.Fprintf(w, "refused by the kernel, no engine yet: %d: %s\n", len(m.Unjudged), strings.Join(m.Unjudged, ", "))
	for _, d := range m.Differences {
		fmt.Fprintln(w, d)
	}
	return nil
}

// writeMarkdown writes the file MATRIX.md of several kernels.
func writeMarkdown(w io.Writer, list []*matrix) error {
	fmt.Fprint(w, "# The differential matrix\n\nWritten by the suite itself (see its package page); do not edit.\n"+
		"A number counts the rows in which the live kernel and this project agree.\n"+
		"\"not yet\" is a target or cipher without an engine, \"no module\" what a kernel lacks;\n"+
		"\"-\" is a comparison without sense: a verity device is not written.\n")
	for _, m := range list {
		fmt.Fprintf(w, "\n## Linux %s\n\n| target | rows | %s |\n|---|---:|%s\n", m.Kernel, strings.Join(columnNames[:], " | "), strings.Repeat("---|", int(columns)))
		names, tallies := m.targets()
		for _, name := range names {
			fmt.Fprintf(w, "| %s | %d |", name, tallies[name].rows)
			for i := range columns {
				fmt.Fprintf(w, " %s |", tallies[name].cell(i))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "\nOf the tables that at least one side refuses, both refuse %d; they differ on %d.\n"+
			"No engine has looked at %d more that the kernel refuses.\n\n", m.Refusals, len(m.Differences), len(m.Unjudged))
		for _, d := range m.Differences {
			fmt.Fprintf(w, "- %s\n", strings.ReplaceAll(d, "|", `\|`))
		}
	}
	writeExceptions(w)
	fmt.Fprintf(w, "\n## Rows\n\n")
	for i, r := range list[0].Rows {
		var cells []string
		for _, m := range list {
			release, _, _ := strings.Cut(m.Kernel, "-")
			cells = append(cells, release+": "+summary(m.Rows[i]))
		}
		if _, err := fmt.Fprintf(w, "- `%s` %s\n", r.Name, strings.Join(cells, "; ")); err != nil {
			return err
		}
	}
	return nil
}

// writeExceptions lists the rows of which not everything is compared, and why.
func writeExceptions(w io.Writer) {
	fmt.Fprintf(w, "\n## Exceptions\n\n")
	for _, r := range rows() {
		for _, e := range []struct{ what, why string }{
			{"the engine reads more", r.better},
			{"another status", r.status},
			{"not written", r.noWrite},
			{"not read", r.noRead},
		} {
			if e.why != "" {
				fmt.Fprintf(w, "- `%s`: %s: %s\n", r.name, e.what, e.why)
			}
		}
	}
	for _, target := range slices.Sorted(maps.Keys(absent)) {
		fmt.Fprintf(w, "- no row of %s: %s\n", target, absent[target])
	}
}

// summary names the columns of a row by what they say.
func summary(r result) string {
	by := map[string][]string{}
	for i, cell := range r.Cells {
		if cell != none {
			by[cell] = append(by[cell], columnNames[i])
		}
	}
	var parts []string
	for _, cell := range slices.Sorted(maps.Keys(by)) {
		if cell == good && len(by) == 1 {
			return good
		}
		if cell != good {
			parts = append(parts, cell+" ("+strings.Join(by[cell], ", ")+")")
		}
	}
	return strings.Join(parts, ", ")
}

// matrixFile is the committed matrix.
const matrixFile = "MATRIX.md"

// update makes TestMatrixFile write the file: from what boots left in the folders that
// it lists, with commas between, or with "1" from boots of all kernels.
const update = "DMIMG_DIFFTEST_UPDATE"

// TestMatrixFile checks that the committed matrix is about the rows that there are,
// and that nothing in it failed.
func TestMatrixFile(t *testing.T) {
	t.Parallel()
	if from := os.Getenv(update); from != "" {
		updateMatrix(t, from)
	}
	content, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	var listed, want []string
	for line := range strings.Lines(string(content)) {
		if line == "## Rows\n" {
			listed = nil // those before are the exceptions
		} else if strings.HasPrefix(line, "- `") {
			listed = append(listed, strings.Split(line, "`")[1])
		}
	}
	for _, r := range rows() {
		want = append(want, r.name)
	}
	if !slices.Equal(listed, want) {
		t.Errorf("%s lists %d rows, there are %d, or others: write it anew with %s=1", matrixFile, len(listed), len(want), update)
	}
	if strings.Contains(string(content), bad) {
		t.Errorf("%s has a row that failed", matrixFile)
	}
}

// updateMatrix writes the file.
func updateMatrix(t *testing.T, from string) {
	folders := strings.Split(from, ",")
	if from == "1" {
		folders = bootAll(t)
	}
	var list []*matrix
	for _, dir := range folders {
		m, err := readMatrix(filepath.Join(dir, "matrix.json"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	var b strings.Builder
	if err := errors.Join(writeMarkdown(&b, list), os.WriteFile(matrixFile, []byte(b.String()), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// bootAll runs all rows under all kernels and returns the folders of what they left.
func bootAll(t *testing.T) (folders []string) {
	labtest.Outside(t, lab.DefaultKernel)
	for _, kernel := range lab.Kernels() {
		dir := t.TempDir()
		cfg, pkg := labConfig(kernel)
		cfg.Artifacts = dir
		results, err := lab.GoTests(t.Context(), cfg, pkg)
		labtest.Check(t, err)
		if results[0].Exit != 0 {
			t.Fatalf("on %s:\n%s", kernel, results[0].Output)
		}
		folders = append(folders, dir)
	}
	return folders
}

// labConfig is the guest that this suite needs, and what to run in it.
func labConfig(kernel string) (lab.Config, lab.TestPackage) {
	return lab.Config{Kernel: kernel, Tools: []string{"dmsetup"}, MemoryMiB: 1024, Extra: true, Timeout: 15 * time.Minute},
		lab.TestPackage{Package: "github.com/dmimg/dmimg/kernel/difftest", Args: []string{"-test.run=^TestLive"}}
}

func readMatrix(path string) (*matrix, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the guest left no matrix: %w", err)
	}
	if err != nil {
		return nil, err
	}
	m := new(matrix)
	return m, json.Unmarshal(content, m)
}
