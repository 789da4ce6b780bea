package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume"
)

// readmePath is the project's README, seen from this folder.
const readmePath = "../../README.md"

// TestReadmeTour runs every console block of the README, in order and in one
// folder, as a newcomer would: a line that begins with "$ " is a command, the
// lines under it are what it prints. With DMIMG_UPDATE_README=1 what was printed
// replaces what the README says. Not parallel, see TestReadmeSupport.
func TestReadmeTour(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the README's commands are for a POSIX shell")
	}
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	tour := newShell(t)
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```")
	if n := len(blocks.FindAll(text, -1)); n < 5 {
		t.Fatalf("README.md: %d console blocks, want at least 5", n)
	}
	got := blocks.ReplaceAllFunc(text, func(block []byte) []byte {
		body := blocks.FindSubmatch(block)[1]
		return []byte("```console\n" + tour.replay(string(body)) + "```")
	})
	if bytes.Equal(got, text) {
		return
	}
	if updating() {
		if err := os.WriteFile(readmePath, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	reportDifference(t, string(text), string(got))
}

func updating() bool { return os.Getenv("DMIMG_UPDATE_README") == "1" }

// shell runs commands in one folder with a fresh dmimg in front of PATH.
type shell struct {
	t   *testing.T
	dir string
	env []string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "dmimg")
	build := exec.Command("go", "build", "-o", bin, "../..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building dmimg: %v\n%s", err, out)
	}
	env := append(os.Environ(), "PATH="+filepath.Dir(bin)+string(os.PathListSeparator)+os.Getenv("PATH"), "LC_ALL=C")
	return &shell{t: t, dir: t.TempDir(), env: env}
}

// replay runs the commands of a block and returns the block with what they print.
func (s *shell) replay(body string) string {
	var out strings.Builder
	for _, command := range commands(body) {
		out.WriteString("$ " + command + "\n")
		run := exec.Command("sh", "-c", strings.ReplaceAll(command, "\n> ", "\n"))
		run.Dir, run.Env = s.dir, s.env
		printed, err := run.CombinedOutput()
		if err != nil && run.ProcessState == nil {
			s.t.Fatalf("README command %q: %v", command, err)
		}
		out.Write(printed)
	}
	return out.String()
}

// commands returns the commands of a block, continued by lines that begin with "> ".
func commands(body string) []string {
	var list []string
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "$ "):
			list = append(list, line[2:])
		case strings.HasPrefix(line, "> ") && len(list) > 0:
			list[len(list)-1] += "\n" + line
		}
	}
	return list
}

func reportDifference(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			t.Fatalf("README.md:%d says\n\t%s\nthe program prints\n\t%s\n(DMIMG_UPDATE_README=1 writes what it prints)", i+1, w[i], g[i])
		}
	}
	t.Fatalf("README.md has %d lines, what the program prints makes it %d (DMIMG_UPDATE_README=1 writes it)", len(w), len(g))
}

// TestReadmeSupport holds the support table against what package volume says.
// With DMIMG_UPDATE_README=1 the table is made anew. Not parallel: it may write
// the file that the others read.
func TestReadmeSupport(t *testing.T) {
	var want strings.Builder
	want.WriteString("| target | read | write | remark |\n|---|---|---|---|\n")
	mark := map[bool]string{true: "yes", false: "–"}
	for _, row := range volume.Support() {
		fmt.Fprintf(&want, "| %s | %s | %s | %s |\n", row.Name, mark[row.Read], mark[row.Write], row.Reason)
	}
	switch got := section(t, "support"); {
	case got == want.String():
	case updating():
		mark := "<!-- begin support -->\n"
		text, _ := os.ReadFile(readmePath)
		updated := strings.Replace(string(text), mark+got, mark+want.String(), 1)
		if err := os.WriteFile(readmePath, []byte(updated), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md, between the support marks:\n%s\nwant:\n%s", got, want.String())
	}
}

// TestReadmeSpeed holds every row of the speed table against the last report of
// make bench.
func TestReadmeSpeed(t *testing.T) {
	t.Parallel()
	results, err := os.ReadFile("../../bench/RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(section(t, "speed")) {
		lines++
		if !strings.Contains(string(results), line) {
			t.Errorf("README.md has a line that is not in bench/RESULTS.md:\n%s", line)
		}
	}
	if lines < 4 {
		t.Errorf("README.md: %d lines of figures, want at least 4", lines)
	}
}

// TestReadmeExamples holds the Go code of the README against examples that are
// compiled.
func TestReadmeExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	var examples []byte
	for _, file := range []string{"../../volume/example_test.go", "../../kernel/activate/example_test.go"} {
		example, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples = append(examples, example...)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) < 2 {
		t.Errorf("README.md: %d blocks of Go code, want at least 2", len(blocks))
	}
	for _, code := range blocks {
		if !bytes.Contains(examples, code[1]) {
			t.Errorf("README.md: in no example is\n%s", code[1])
		}
	}
}

// section returns what stands between the marks of one name in the README.
func section(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(readmePath)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(text), "<!-- begin "+name+" -->\n")
	body, _, ends := strings.Cut(rest, "<!-- end "+name+" -->")
	if !begins || !ends {
		t.Fatalf("README.md has no marks of %s", name)
	}
	return body
}
