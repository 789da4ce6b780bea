package kerneltest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

// TestConform gives the fake the requests of testdata/*.txt, and demands the answers that
// real kernels gave.
func TestConform(t *testing.T) {
	t.Parallel()
	conform(t, func(t *testing.T) *subject {
		k := New(t, Options{Tolerant: true}) // the requests are meant to be odd
		s := &subject{
			System: k,
			hold:   func(t *testing.T, name string, _ uint64) func() { return k.Hold(name) },
		}
		for i := range s.disks {
			s.disks[i] = fmt.Sprintf("/dev/disk%d", i)
			s.numbers[i] = k.AddDisk(s.disks[i], diskSize)
		}
		return s
	})
}

// TestLiveConform holds the same answers against the kernel of the lab. What it answers is
// left as artifacts: the next testdata.
func TestLiveConform(t *testing.T) {
	labtest.Inside(t)
	conform(t, func(t *testing.T) *subject {
		s := &subject{System: kernel.Machine(), hold: holdNode}
		for i := range s.disks {
			s.disks[i] = labtest.Disk(t, diskSize)
			var err error
			if s.numbers[i], err = s.NodeDevno(s.disks[i]); err != nil {
				t.Fatal(err)
			}
		}
		return s
	})
}

// holdNode opens the node that the kernel itself makes of a device.
func holdNode(t *testing.T, name string, devno uint64) func() {
	_, minor := dmioctl.Split(devno)
	f, err := os.Open(fmt.Sprintf("/dev/dm-%d", minor))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// conform runs each script on a subject of its own.
func conform(t *testing.T, newSubject func(t *testing.T) *subject) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newSubject(t)
			s.start(t)
			s.answer(t, "remove-all") // after a script that went wrong
			var record strings.Builder
			for _, e := range parseScript(string(text)) {
				if e.since > s.minor {
					continue
				}
				got := s.answer(t, e.request)
				record.WriteString(e.intro + e.mark + e.request + "\n" + got)
				if got != e.want {
					t.Errorf("%s\n got\n%swant\n%s", e.request, got, e.want)
				}
			}
			if guest.Inside() {
				leave(t, filepath.Base(path), record.String())
			}
			if got := s.answer(t, "list-devices"); !strings.Contains(got, " none\n") {
				t.Errorf("the script leaves devices behind:\n%s", got)
			}
		})
	}
}

// leave makes an artifact.
func leave(t *testing.T, name, text string) {
	if err := os.MkdirAll(guest.OutDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(guest.OutDir, name), []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// exchange is a request of a script, and what the kernel answered.
type exchange struct {
	intro   string // comments and empty lines in front
	mark    string // "$ ", or with what it needs
	since   uint32 // minor version of the interface
	request string
	want    string
}

var requestLine = regexp.MustCompile(`^(\$([0-9]*) )(.*)\n`)

// parseScript takes a script apart: a request after "$", perhaps with the minor version that
// it needs, and its answer in the lines behind it that begin with a blank.
func parseScript(text string) (list []exchange) {
	intro := ""
	for line := range strings.Lines(text) {
		m := requestLine.FindStringSubmatch(line)
		switch {
		case m != nil:
			since, _ := strconv.ParseUint(m[2], 10, 32) // digits or nothing
			list = append(list, exchange{intro: intro, mark: m[1], since: uint32(since), request: m[3]})
			intro = ""
		case strings.HasPrefix(line, " ") && len(list) > 0:
			list[len(list)-1].want += line
		default:
			intro += line
		}
	}
	return list
}
