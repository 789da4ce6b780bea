package livetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// Step is a command line, or something that happens to a device between two: "hold NAME"
// and "release" open and close its node, "create NAME [UUID]" makes another device, "remove
// NAME" removes it, "read NAME" reads it.
type Step struct {
	Line   string // words; "@/name" is a file of the stage
	Input  string // what comes through stdin
	Do     string // instead of Line
	Differ string // why ours differs on purpose; "" if it must not
	Code   int    // our status then
	Words  bool   // ours has other words on stderr
	Live   bool   // needs a kernel: the fake one moves no data, and fills in no tables
}

// title tells a step from others.
func (s Step) title() string {
	if s.Input == "" {
		return s.Line
	}
	return s.Line + " < " + s.Input
}

// Outcome is what a step left: its status, what it said, and the devices there are then.
type Outcome struct {
	Step    string   `json:"step"`
	Code    int      `json:"code"`
	Stdout  string   `json:"stdout,omitempty"`
	Stderr  string   `json:"stderr,omitempty"`
	Devices []string `json:"devices,omitempty"` // name, UUID, whether it can be written, table
}

// Stage is where a session happens.
type Stage struct {
	Dir     string              // of the files
	Word    func(string) string // what a word of a line stands for, before files are put in; nil: itself
	Control *kernel.Control
	Run     func(args []string, input string) (code int, stdout, stderr string)
	Hold    func(name string) (release func())
	Read    func(name string)

	release func()
}

// files finds the files that a word names.
var files = regexp.MustCompile(`@/([A-Za-z0-9_./-]*)`)

// Play goes through steps.
func (s *Stage) Play(t *testing.T, steps []Step) []Outcome {
	t.Helper()
	var outcomes []Outcome
	for _, st := range steps {
		if st.Do != "" {
			s.do(t, strings.Fields(st.Do))
			continue
		}
		var args []string
		for _, w := range strings.Fields(st.Line) {
			if s.Word != nil {
				w = s.Word(w)
			}
			args = append(args, files.ReplaceAllString(w, s.Dir+"/$1"))
		}
		o := Outcome{Step: st.title()}
		o.Code, o.Stdout, o.Stderr = s.Run(args, st.Input)
		o.Stdout, o.Stderr = strings.ReplaceAll(o.Stdout, s.Dir, "@"), clean(strings.ReplaceAll(o.Stderr, s.Dir, "@"))
		o.Devices = s.devices(t)
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// noise is what is no matter on stderr: the usage above a complaint about the command line,
// the folder of the program, and what libdm says by itself.
var noise = regexp.MustCompile(`(?s:Usage: .*<action-specific>\n)|(?m:^/usr/sbin/)|(?m:^device-mapper: .*\n)`)

func clean(stderr string) string { return noise.ReplaceAllString(stderr, "") }

func (s *Stage) do(t *testing.T, words []string) {
	t.Helper()
	ctx := context.Background()
	var err error
	switch words[0] {
	case "hold":
		s.release = s.Hold(words[1])
	case "release":
		s.release()
	case "read":
		s.Read(words[1])
	case "create":
		o := kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: strings.Join(words[2:], "")}}
		_, err = s.Control.CreateAndLoad(ctx, words[1], o, tables.ZeroTable{Length: 4096})
	case "remove":
		if _, err = s.Control.Remove(ctx, kernel.ByName(words[1]), kernel.RemoveOptions{}); errors.Is(err, kernel.ErrNotFound) {
			err = nil
		}
	default:
		t.Fatalf("no such step: %q", words)
	}
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
}

// devices lists the devices there are.
func (s *Stage) devices(t *testing.T) []string {
	t.Helper()
	entries, err := s.Control.List(kernel.ListOptions{UUIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		report, err := s.Control.TableLines(kernel.ByDevno(e.DevNo), kernel.TableOptions{})
		if err != nil {
			t.Fatal(err)
		}
		mode := ""
		if report.Info.ReadOnly() {
			mode = " read-only"
		}
		text := fmt.Sprintf("%q %s%s", e.Name, e.UUID, mode)
		for _, l := range report.Lines { // with keys, which are those of a test
			text += strings.TrimRight(fmt.Sprintf("; %d %d %s %s", l.Start, l.Length, l.Target, l.Params), " ")
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// Compare holds outcomes of ours against those of the reference.
func Compare(t *testing.T, tool string, steps []Step, ours, reference []Outcome) {
	t.Helper()
	steps = slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Do != "" })
	if len(steps) != len(ours) || len(ours) != len(reference) {
		t.Fatalf("%d steps, %d results of ours, %d of the reference: the test in the lab records it anew", len(steps), len(ours), len(reference))
	}
	for i, st := range steps {
		got, want := ours[i], reference[i]
		if st.Words {
			got.Stderr, want.Stderr = "", ""
		}
		switch {
		case want.Step != st.title():
			t.Fatalf("what is recorded is of %s, not of %s: the test in the lab records it anew", want.Step, st.title())
		case st.Differ == "" && got.String() != want.String():
			t.Errorf("%s %s:\nours      %s\nreference %s", tool, st.title(), got, want)
		case st.Differ != "" && got.Code != st.Code:
			t.Errorf("%s %s: status %d, want %d", tool, st.title(), got.Code, st.Code)
		}
	}
}

// String has an outcome on one line.
func (o Outcome) String() string {
	b, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// WithoutKernel leaves out what needs a real kernel, of the steps and of what is recorded.
func WithoutKernel(steps []Step, reference []Outcome) ([]Step, []Outcome) {
	var kept []Step
	var recorded []Outcome
	for _, st := range steps {
		if !st.Live {
			kept = append(kept, st)
		}
		if st.Do == "" && len(reference) > 0 {
			if !st.Live {
				recorded = append(recorded, reference[0])
			}
			reference = reference[1:]
		}
	}
	return kept, recorded
}

// Load reads recorded outcomes.
func Load(t *testing.T, path string) (list []Outcome) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Record writes outcomes, one on a line.
func Record(t *testing.T, path string, list []Outcome) {
	t.Helper()
	var b strings.Builder
	between := "[\n"
	for _, o := range list {
		b.WriteString(between + o.String())
		between = ",\n"
	}
	b.WriteString("\n]\n")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(b.String()), 0o644)); err != nil {
		t.Fatal(err)
	}
}
