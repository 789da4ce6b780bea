package tables

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// repoFile finds a file beside the checkout, "../shared/…" from the root, or
// skips.
func repoFile(t *testing.T, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no go.mod above the test's folder")
		}
		dir = up
	}
	path := filepath.Join(append([]string{dir, "..", "shared"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not here", filepath.Join(parts...))
	}
	return path
}

// sameWords demands that a line that the kernel printed is written back with
// the same words, and that what was written reads back equal.
func sameWords(t *testing.T, name, line string) {
	t.Helper()
	ts, err := Parse(strings.NewReader(line))
	if err != nil {
		t.Errorf("%s: %q: %v", name, line, err)
		return
	}
	var b bytes.Buffer
	if err := Format(&b, ts...); err != nil {
		t.Errorf("%s: writing %q: %v", name, line, err)
		return
	}
	if got, want := strings.Fields(b.String()), strings.Fields(line); !reflect.DeepEqual(got, want) {
		t.Errorf("%s: words changed:\n got %q\nwant %q", name, got, want)
	}
	again, err := Parse(&b)
	if err != nil || !reflect.DeepEqual(again, ts) {
		t.Errorf("%s: %q reads back as %#v, %v", name, line, again, err)
	}
	if _, raw := ts[0].(RawTable); raw {
		t.Errorf("%s: %q has no struct of its own", name, line)
	}
}

// TestKernelLines reads table lines that kernels printed.
func TestKernelLines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/kernel.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		n++
		sameWords(t, "kernel.txt", line)
	}
	if n < 250 {
		t.Errorf("kernel.txt has %d lines, want at least 250", n)
	}
}

// TestKernelCorpora reads every table of the kernel-made volumes: as loaded, as
// the kernel printed it, and as a whole device.
func TestKernelCorpora(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"kernel-samples", "kernel-hard"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(repoFile(t, "testdata", dir, "index.json"))
			if err != nil {
				t.Fatal(err)
			}
			var cases []struct {
				Name           string
				Tables, Loaded map[string][]string
			}
			if err := json.Unmarshal(text, &cases); err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				for device, lines := range c.Tables {
					for _, line := range lines {
						sameWords(t, c.Name, line)
					}
					validateLines(t, c.Name+" "+device, lines)
				}
				for device, lines := range c.Loaded {
					validateLines(t, c.Name+" "+device+" as loaded", lines)
				}
			}
			if len(cases) < 100 {
				t.Errorf("%s has %d cases, want at least 100", dir, len(cases))
			}
		})
	}
}

func validateLines(t *testing.T, name string, lines []string) {
	t.Helper()
	ts, err := Parse(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	// Refused cases were refused for what is on their devices.
	if err := Validate(ts...); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
