package cryptsetup_test

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

	"github.com/dmimg/dmimg/internal/cli"
)

// goldenFile holds what cryptsetup 2.6.1 answered to every step of every session. With
// DMIMG_UPDATE_GOLDEN=1 it is written anew by running the installed one; the name of a
// session instead of 1 records that one only.
const goldenFile = "testdata/cryptsetup-2.6.1.json"

// session is a row of command lines over the same files, which are made first.
type session struct {
	name   string
	files  map[string]string // contents, by name
	sparse map[string]int64  // sizes in bytes of files without content
	steps  []step
	short  bool // the installed program plays it without DMIMG_TEST_COSTLY, too
}

// step is one command line for both programs. Words name files as "@name".
type step struct {
	line   string   // words separated by blanks
	words  []string // instead of line, for words with blanks or without letters
	stdin  string
	hurt   []int64 // places where bytes of @d are overwritten before
	differ string  // why ours differs on purpose; "" if it must not
	code   int     // our status then
	says   string  // what ours says then
}

func (s step) args() []string {
	if s.words != nil {
		return s.words
	}
	return strings.Fields(s.line)
}

func (s step) name() string {
	name := strings.Join(s.args(), " ")
	if s.stdin != "" {
		name += " <<" + s.stdin[:min(len(s.stdin), 40)]
	}
	return name
}

// answer is what came of a step, with what is random or the place of files taken out.
type answer struct {
	Code   int    `json:"code"`
	Stdout string `json:"stdout,omitempty"`
	Stderr string `json:"stderr,omitempty"`
}

// program runs a command line in this process or another.
type program func(t *testing.T, args []string, stdin string) answer

// TestSessionsAgreeWithTheReference plays every session with ours, and some of them (all with
// DMIMG_TEST_COSTLY) with the real one if it is here, and compares both with what was
// recorded: status, stdout and stderr.
func TestSessionsAgreeWithTheReference(t *testing.T) {
	t.Parallel()
	recorded := readGolden(t)
	update := os.Getenv("DMIMG_UPDATE_GOLDEN")
	updating := update != ""
	peer := findPeer(t)
	if updating && peer == "" {
		t.Fatal("cryptsetup 2.6.1 is needed to record")
	}
	if updating {
		for _, s := range sessions() {
			if update == "1" || update == s.name {
				recorded[s.name] = s.play(t, peerProgram(peer))
			}
		}
		writeGolden(t, recorded)
	}
	for _, s := range sessions() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if peer != "" && !updating && (s.short || os.Getenv("DMIMG_TEST_COSTLY") != "") {
				if got := s.play(t, peerProgram(peer)); !slices.Equal(got, recorded[s.name]) {
					t.Errorf("the installed cryptsetup is not as recorded: got %s, want %s", show(got), show(recorded[s.name]))
				}
			}
			s.compare(t, s.play(t, ours), recorded[s.name])
		})
	}
}

func (s session) compare(t *testing.T, got, want []answer) {
	t.Helper()
	if len(want) != len(s.steps) {
		t.Fatalf("%s has %d answers for %d steps: DMIMG_UPDATE_GOLDEN=1 records them", goldenFile, len(want), len(s.steps))
	}
	for i, st := range s.steps {
		switch {
		case st.differ == "":
			if got[i] != want[i] {
				t.Errorf("step %d: cryptsetup %s: %s", i, st.name(), difference(got[i], want[i]))
			}
		case got[i] == want[i]:
			t.Errorf("step %d: cryptsetup %s: said to differ (%s), but does not", i, st.name(), st.differ)
		case got[i].Code != st.code || !strings.Contains(got[i].Stdout+got[i].Stderr, st.says):
			t.Errorf("step %d: cryptsetup %s: got %+v, want status %d and %q", i, st.name(), got[i], st.code, st.says)
		}
	}
}

// difference shows the first line that is not the same.
func difference(got, want answer) string {
	if got.Code != want.Code {
		return "got " + show(got) + ", want " + show(want)
	}
	a, b := strings.Split(got.Stdout+"stderr: "+got.Stderr, "\n"), strings.Split(want.Stdout+"stderr: "+want.Stderr, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "got line " + show(a[i]) + ", want " + show(b[i])
		}
	}
	return "one ends before the other: got " + show(got) + ", want " + show(want)
}

// play runs the steps in a fresh folder.
func (s session) play(t *testing.T, run program) []answer {
	t.Helper()
	dir := t.TempDir()
	for name, content := range s.files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, size := range s.sparse {
		path := filepath.Join(dir, name)
		if err := writeHoles(path, size); err != nil {
			t.Fatal(err)
		}
	}
	var answers []answer
	for _, st := range s.steps {
		args := st.args()
		full := make([]string, len(args))
		for i, w := range args {
			full[i] = strings.ReplaceAll(w, "@", dir+"/")
		}
		for _, off := range st.hurt {
			hurt(t, filepath.Join(dir, "d"), off)
		}
		a := run(t, full, st.stdin)
		a.Stdout, a.Stderr = clean(a.Stdout, dir), clean(a.Stderr, dir)
		answers = append(answers, a)
	}
	return answers
}

// hurt overwrites some bytes of a file.
func hurt(t *testing.T, path string, off int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("no json!"), off)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func writeHoles(path string, size int64) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, size)
}

var (
	usageText = regexp.MustCompile(`(?s)Usage: cryptsetup \[-.*?<action-specific>\n`)
	uuidText  = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	hexLine   = regexp.MustCompile(`([0-9a-f]{2} ){4,}`)
	epochText = regexp.MustCompile(`Epoch:         \t\d+`)
	base64    = regexp.MustCompile(`"(salt|digest)":"[A-Za-z0-9+/=]+"`)
)

// givenUUID is one that stays.
const givenUUID = "a60c98d2-ae9b-4865-bfcb-b4e3ace11033"

// clean takes out what is random, and the place of the files.
func clean(text, dir string) string {
	text = strings.ReplaceAll(text, dir+"/", "@")
	text = usageText.ReplaceAllString(text, "USAGE\n")
	text = uuidText.ReplaceAllStringFunc(text, func(u string) string {
		if u == givenUUID {
			return u
		}
		return "UUID"
	})
	text = hexLine.ReplaceAllString(text, "HEX ")
	text = epochText.ReplaceAllString(text, "Epoch: N")
	return base64.ReplaceAllString(text, `"$1":"BASE64"`)
}

func ours(t *testing.T, args []string, stdin string) answer {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(t.Context(), append([]string{"/sbin/cryptsetup"}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return answer{code, stdout.String(), stderr.String()}
}

func peerProgram(path string) program {
	return func(t *testing.T, args []string, stdin string) answer {
		t.Helper()
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(path, args...)
		cmd.Args[0] = "cryptsetup"
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return answer{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
}

// findPeer returns the path of the recorded version of cryptsetup, "" if there is none: then only
// what was recorded is compared with. DMIMG_TEST_REQUIRE=all demands it.
func findPeer(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("cryptsetup")
	if err == nil {
		out, versionErr := exec.Command(path, "--version").Output()
		if versionErr == nil && strings.HasPrefix(string(out), "cryptsetup 2.6.1 ") {
			return path
		}
		t.Logf("cryptsetup is not 2.6.1: only what was recorded is compared with")
		return ""
	}
	if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("cryptsetup is required: %v", err)
	}
	t.Logf("cryptsetup is not installed: only what was recorded is compared with")
	return ""
}

func show(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

func readGolden(t *testing.T) map[string][]answer {
	t.Helper()
	recorded := make(map[string][]answer)
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

// writeGolden writes one answer a line.
func writeGolden(t *testing.T, recorded map[string][]answer) {
	t.Helper()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		var lines []string
		for _, a := range recorded[name] {
			lines = append(lines, show(a))
		}
		parts = append(parts, show(name)+":[\n"+strings.Join(lines, ",\n")+"\n]")
	}
	if err := os.WriteFile(goldenFile, []byte("{\n"+strings.Join(parts, ",\n")+"\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
