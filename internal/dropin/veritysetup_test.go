package dropin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// goldenFile holds what veritysetup 2.6.1 did with every row. With
// DMIMG_UPDATE_GOLDEN=1 it is written anew by running the installed one.
const goldenFile = "testdata/veritysetup-2.6.1.json"

// golden is what a run left: its status, its stdout with the folder taken out, and
// the files, of which a run that fails has none.
type golden struct {
	Code   int               `json:"code"`
	Stdout string            `json:"stdout,omitempty"`
	Files  map[string]string `json:"files,omitempty"`
	// Of stderr only what the words are about.
	Usage    bool   `json:"usage,omitempty"`    // the usage was printed
	Position string `json:"position,omitempty"` // where verification failed
}

var positionWord = regexp.MustCompile(`(failed|not zeroed) at position \d+`)

// readErrors takes from stderr what is compared.
func (g *golden) readErrors(stderr string) {
	g.Usage = strings.Contains(stderr, "Usage: ")
	g.Position = positionWord.FindString(stderr)
}

// TestVeritysetupAgreesWithTheReference runs every row with ours, and with the real
// one if it is here, and compares both with what was recorded: status, stdout, files
// byte for byte. What differs on purpose is in the rows.
func TestVeritysetupAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	f := newFixtures(t)
	recorded := readGolden(t)
	updating := os.Getenv("DMIMG_UPDATE_GOLDEN") == "1"
	peer := findPeer(t)
	rows := slices.Concat(grammarRows, formatRows, verifyRows, dumpRows)
	for _, r := range rows {
		if peer != "" {
			got := f.runPeer(t, peer, r)
			if updating {
				recorded[r.name()] = got
			} else if problem := differs(r, got, recorded[r.name()], recorded[r.name()].Code); problem != "" {
				t.Errorf("the installed veritysetup is not as recorded: %s", problem)
			}
		}
		want, ok := recorded[r.name()]
		if !ok {
			t.Fatalf("%s has nothing on %q: DMIMG_UPDATE_GOLDEN=1 records it", goldenFile, r.name())
		}
		code := want.Code
		if r.differ != "" {
			code = r.code
			if code == want.Code && r.differ != "random" {
				t.Errorf("veritysetup %s: said to differ (%s), but the reference exits %d too", r.name(), r.differ, code)
			}
		}
		got, stderr := f.runOurs(t, r)
		if problem := differs(r, got, want, code); problem != "" {
			t.Errorf("%s\nstderr %s", problem, stderr)
		}
	}
	if updating {
		writeGolden(t, recorded)
	}
}

// differs says what of got is not as in want; "" if nothing.
func differs(r row, got, want golden, code int) string {
	switch {
	case got.Code != code:
		return "veritysetup " + r.name() + ": status " + show(got.Code) + ", want " + show(code)
	case r.differ != "":
		return ""
	case got.Usage != want.Usage || got.Position != want.Position:
		return "veritysetup " + r.name() + ": stderr has " + show(got) + ", want " + show(want)
	case got.Stdout != want.Stdout && !r.silent:
		return "veritysetup " + r.name() + ": stdout\n" + got.Stdout + "want\n" + want.Stdout
	case code == 0 && !r.silent && show(got.Files) != show(want.Files):
		return "veritysetup " + r.name() + ": files\n" + show(got.Files) + "\nwant\n" + show(want.Files)
	}
	return ""
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (f *fixtures) runOurs(t *testing.T, r row) (golden, string) {
	t.Helper()
	dir, args, files := f.prepare(t, r.args())
	res := veritysetup(t, append([]string{"--compat=2.6"}, args...)...)
	g := golden{Code: res.code, Stdout: strings.ReplaceAll(res.stdout, dir, "@")}
	g.readErrors(res.stderr)
	if res.code != 0 {
		f.expectUntouched(t, r, dir, files)
		return g, res.stderr
	}
	g.Files = digests(t, dir, files)
	return g, res.stderr
}

// expectUntouched makes sure that a run that failed changed and left nothing.
func (f *fixtures) expectUntouched(t *testing.T, r row, dir string, files []string) {
	t.Helper()
	for _, name := range files {
		now, err := os.ReadFile(filepath.Join(dir, name))
		was, wasErr := os.ReadFile(f.path(name))
		if !bytes.Equal(now, was) || (err == nil) != (wasErr == nil) {
			t.Errorf("veritysetup %s failed, but changed or left %s", r.name(), name)
		}
	}
}

func (f *fixtures) runPeer(t *testing.T, peer string, r row) golden {
	t.Helper()
	dir, args, files := f.prepare(t, r.args())
	var stdout, stderr strings.Builder
	cmd := exec.Command(peer, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	g := golden{Stdout: strings.ReplaceAll(stdout.String(), dir, "@")}
	g.readErrors(stderr.String())
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		g.Code = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	default:
		g.Files = digests(t, dir, files)
	}
	if r.silent {
		g.Stdout, g.Files = "", nil
	}
	return g
}

func digests(t *testing.T, dir string, files []string) map[string]string {
	t.Helper()
	if len(files) == 0 {
		return nil
	}
	m := make(map[string]string)
	for _, name := range files {
		m[name] = digest(t, filepath.Join(dir, name))
	}
	return m
}

// findPeer returns the path of the recorded version of veritysetup, "" if there is none: then only
// what was recorded is compared with. DMIMG_TEST_REQUIRE=all demands it.
func findPeer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("veritysetup")
	if err == nil {
		out, versionErr := exec.Command(path, "--version").Output()
		if versionErr == nil && strings.HasPrefix(string(out), "veritysetup 2.6.1 ") {
			return path
		}
		t.Logf("veritysetup is not 2.6.1: only what was recorded is compared with")
		return ""
	}
	if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("veritysetup is required: %v", err)
	}
	t.Logf("veritysetup is not installed: only what was recorded is compared with")
	return ""
}

func readGolden(t *testing.T) map[string]golden {
	t.Helper()
	recorded := make(map[string]golden)
	if os.Getenv("DMIMG_UPDATE_GOLDEN") == "1" {
		return recorded
	}
	b, err := os.ReadFile(goldenFile)
	if err == nil {
		err = json.Unmarshal(b, &recorded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

func writeGolden(t *testing.T, recorded map[string]golden) {
	t.Helper()
	var b strings.Builder // one row a line
	between := "{\n"
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		b.WriteString(between + show(name) + ":" + show(recorded[name]))
		between = ",\n"
	}
	b.WriteString("\n}\n")
	if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
