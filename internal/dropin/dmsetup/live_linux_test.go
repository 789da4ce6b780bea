package dmsetup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// dmsetups are the two on a live kernel.
type dmsetups struct {
	major string // of mapped devices here
}

// TestLiveTranscripts gives the transcripts to the real dmsetup, which must answer as it was
// written down, and to ours, each on a machine without devices. What the real one answers is
// left as artifacts: the next testdata.
func TestLiveTranscripts(t *testing.T) {
	if os.Getenv("DMIMG_LAB") != "1" {
		t.Skip("removes the devices of the machine: for the lab only")
	}
	if kernel.Machine().UdevRunning() {
		t.Skip("transcripts are of a machine without udev")
	}
	for i := range 4 {
		attachLoop(t, i, 8<<20)
	}
	d := newDMSetups(t)
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			intro, steps := readTranscript(t, path)
			if !testing.Short() { // a start for each command takes its time
				d.record(t, filepath.Base(path), intro, steps)
			}
			for _, s := range steps {
				if got := d.ours(t, s.stdin, s.args...); got != s.ours {
					t.Errorf("%s\nours gives %q\n     want %q", s.line, got, s.ours)
				}
			}
			d.clean(t)
		})
	}
}

// attachLoop makes the loop device of this number of a file of zeros.
func attachLoop(t *testing.T, number int, size int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
	backing, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer backing.Close()
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	if _, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE); err != nil { // makes the node
		t.Fatal(err)
	}
	device, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", number), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := unix.IoctlSetInt(int(device.Fd()), unix.LOOP_CLR_FD, 0)
		if err := errors.Join(err, device.Close()); err != nil {
			t.Error(err)
		}
	})
	if err := unix.IoctlSetInt(int(device.Fd()), unix.LOOP_SET_FD, int(backing.Fd())); err != nil {
		t.Fatal(err)
	}
}

// record runs the real one, and leaves what it answers.
func (d *dmsetups) record(t *testing.T, name, intro string, steps []step) {
	t.Helper()
	left := intro
	for _, s := range steps {
		got := d.real(t, s.stdin, s.args...)
		if got != s.real {
			t.Errorf("%s\nthe real one gives %q\n     written down %q", s.line, got, s.real)
		}
		left += s.written(got)
	}
	leave(t, name, left)
	d.clean(t)
}

func newDMSetups(t *testing.T) *dmsetups {
	t.Helper()
	c := kerneltest.Require(t)
	info, err := c.Create("major", kernel.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := &dmsetups{major: fmt.Sprint(kernel.Major(info.DevNo))}
	d.clean(t)
	return d
}

// clean removes all devices and their nodes.
func (d *dmsetups) clean(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"remove_all", "--force"}, {"mknodes"}} {
		if r := d.real(t, "", args...); r.status != "0" {
			t.Fatalf("dmsetup %v: %+v", args, r)
		}
	}
	if r := d.real(t, "", "ls"); r.stdout != "No devices found\n" {
		t.Fatalf("devices are left: %+v", r)
	}
}

// real runs the dmsetup of the distribution.
func (d *dmsetups) real(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "dmsetup", d.toHere(args)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	words := realUsage.ReplaceAllLiteralString(stderr.String(), "<usage>\n")
	words = realFields.ReplaceAllLiteralString(words, "<fields>\n")
	words = realGuide.ReplaceAllLiteralString(words, "")
	return d.toFake(stdout.String(), words, cmd.ProcessState.ExitCode())
}

// Usage, lists of fields and the guide to -S, whose words are our own.
var (
	realUsage  = regexp.MustCompile(`(?s)Usage:\n\ndmsetup.*?(active, open, rw and uuid\.|Use 'help -c' for list\.)\n\n`)
	realFields = regexp.MustCompile(`(?s)Mapped Device Name Fields\n.*?\n  \?[^\n]*\n \n`)
	realGuide  = regexp.MustCompile(`(?s)Selection operands\n.*List subset end\n \n`)
)

// ours runs ours in this process.
func (d *dmsetups) ours(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	streams := ui.Streams{In: strings.NewReader(stdin), Out: &stdout, Err: &stderr}
	status := Run(t.Context(), d.toHere(args), streams, Host{})
	words := strings.Replace(stderr.String(), usageText(), "<usage>\n", 1)
	words = strings.Replace(words, fieldHelp(), "<fields>\n", 1)
	return d.toFake(stdout.String(), words, status)
}

// toHere and toFake put the major number of this machine's devices where that of the fake's
// is, and the other way round.
func (d *dmsetups) toHere(args []string) []string {
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = d.swap(a, fmt.Sprint(kerneltest.Major), d.major)
	}
	return list
}

func (d *dmsetups) toFake(stdout, stderr string, status int) result {
	fake := fmt.Sprint(kerneltest.Major)
	return result{d.swap(stdout, d.major, fake), d.swap(stderr, d.major, fake), fmt.Sprint(status)}
}

func (d *dmsetups) swap(text, old, by string) string {
	return regexp.MustCompile(`\b`+old+`\b`).ReplaceAllLiteralString(text, by)
}

// outDir is where the lab takes artifacts from.
const outDir = "/lab/out"

// leave makes an artifact.
func leave(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outDir, name), []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// written is a step as a transcript has it, with what the real one gave now. Lines about
// what ours does differently stay.
func (s step) written(now result) string {
	var b strings.Builder
	b.WriteString(s.line + "\n")
	put := func(mark, text string) {
		for line := range strings.Lines(text) {
			b.WriteString(mark + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	put("O|", now.stdout)
	put("E|", now.stderr)
	b.WriteString("= " + now.status + "\n")
	if s.ours.stdout != s.real.stdout {
		put("o|", s.ours.stdout)
	}
	if s.ours.stderr != s.real.stderr {
		put("e|", s.ours.stderr)
	}
	if s.ours.status != s.real.status {
		b.WriteString("~ " + s.ours.status + "\n")
	}
	return b.String()
}
