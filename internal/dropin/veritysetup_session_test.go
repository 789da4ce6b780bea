package dropin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// sessionFile holds what veritysetup 2.6.1 did with every step on Linux 6.12.
// TestLiveVeritysetup writes it anew to where the lab's artifacts are.
const sessionFile = "veritysetup-live-2.6.1.json"

// outcome is what a step left: its status, its stdout, and the devices there are then.
type outcome struct {
	Step    string   `json:"step"`
	Code    int      `json:"code"`
	Stdout  string   `json:"stdout,omitempty"`
	Devices []string `json:"devices,omitempty"` // name, UUID, table
}

// stage is where a session happens.
type stage struct {
	fixtures *fixtures
	control  *kernel.Control
	run      func(args []string) (code int, stdout, stderr string)
	hold     func(name string) (release func())
	read     func(name string)
	release  func()
}

// play goes through the steps that skip does not leave out.
func (s *stage) play(t *testing.T, steps []step) []outcome {
	t.Helper()
	var outcomes []outcome
	for _, st := range steps {
		if st.do != "" {
			s.do(t, strings.Fields(st.do))
			continue
		}
		var args []string
		for _, w := range strings.Fields(st.line) {
			for name, root := range s.fixtures.roots {
				w = strings.ReplaceAll(w, name, root)
			}
			args = append(args, named.ReplaceAllString(w, s.fixtures.dir+"/$1"))
		}
		o := outcome{Step: st.line}
		var stderr string
		o.Code, o.Stdout, stderr = s.run(args)
		o.Stdout = strings.ReplaceAll(o.Stdout, s.fixtures.dir, "@")
		o.Devices = s.devices(t)
		if o.Code == 0 && stderr != "" && !strings.Contains(stderr, "removed all the same") {
			t.Errorf("veritysetup %s: status 0, but stderr %q", st.line, stderr)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

func (s *stage) do(t *testing.T, words []string) {
	t.Helper()
	ctx := context.Background()
	var err error
	switch words[0] {
	case "hold":
		s.release = s.hold(words[1])
	case "release":
		s.release()
	case "read":
		s.read(words[1])
	case "create":
		o := kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: strings.Join(words[2:], "")}}
		_, err = s.control.CreateAndLoad(ctx, words[1], o, tables.ZeroTable{Length: 4096})
	case "remove":
		if _, err = s.control.Remove(ctx, kernel.ByName(words[1]), kernel.RemoveOptions{}); errors.Is(err, kernel.ErrNotFound) {
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
func (s *stage) devices(t *testing.T) []string {
	t.Helper()
	entries, err := s.control.List(kernel.ListOptions{UUIDs: true})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		report, err := s.control.TableLines(kernel.ByDevno(e.DevNo), kernel.TableOptions{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%q %s %v", e.Name, e.UUID, report.Lines))
	}
	slices.Sort(list)
	return list
}

// compareSessions holds ours against the reference.
func compareSessions(t *testing.T, steps []step, ours, reference []outcome) {
	t.Helper()
	steps = slices.DeleteFunc(slices.Clone(steps), func(s step) bool { return s.do != "" })
	if len(steps) != len(ours) || len(ours) != len(reference) {
		t.Fatalf("%d steps, %d results of ours, %d of the reference: TestLiveVeritysetup records it anew", len(steps), len(ours), len(reference))
	}
	for i, st := range steps {
		got, want := ours[i], reference[i]
		switch {
		case want.Step != st.line:
			t.Fatalf("what is recorded is of %s, not of %s: TestLiveVeritysetup records it anew", want.Step, st.line)
		case st.differ == "" && show(got) != show(want):
			t.Errorf("veritysetup %s:\nours      %s\nreference %s", st.line, show(got), show(want))
		case st.differ != "" && got.Code != st.code:
			t.Errorf("veritysetup %s: status %d, want %d", st.line, got.Code, st.code)
		}
	}
}

// withoutKernel leaves out what needs a real kernel, of the steps and of what is recorded.
func withoutKernel(steps []step, reference []outcome) ([]step, []outcome) {
	var kept []step
	var recorded []outcome
	for _, st := range steps {
		if !st.live {
			kept = append(kept, st)
		}
		if st.do == "" && len(reference) > 0 {
			if !st.live {
				recorded = append(recorded, reference[0])
			}
			reference = reference[1:]
		}
	}
	return kept, recorded
}

// loops gives out the disks /dev/loop0 to /dev/loop9 of a fake kernel, the lowest free one
// first, and shows them in a sysfs of its own.
type loops struct {
	t       *testing.T
	sys     string
	control *kernel.Control
	held    [10]bool
}

func newLoops(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) *loops {
	t.Helper()
	l := &loops{t: t, sys: t.TempDir(), control: c}
	if err := os.MkdirAll(filepath.Join(l.sys, "dev/block"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range l.held {
		name := fmt.Sprint("loop", i)
		devno := kernel.ByDevno(k.AddDisk("/dev/"+name, 1<<20)).String()
		if err := errors.Join(
			os.MkdirAll(filepath.Join(l.sys, "block", name, "loop"), 0o755),
			os.Symlink("../../block/"+name, filepath.Join(l.sys, "dev/block", devno)),
		); err != nil {
			t.Skipf("no links here: %v", err)
		}
	}
	return l
}

// loop is one of the disks.
type loop struct {
	loops *loops
	n     int
}

func (l loop) Path() string { return fmt.Sprint("/dev/loop", l.n) }

func (l loop) Close() error {
	if !l.loops.held[l.n] {
		l.loops.t.Errorf("%s is closed twice", l.Path())
	}
	l.loops.held[l.n] = false
	return nil
}

func (l *loops) attach(file string, o activate.LoopOptions) (live.Loop, error) {
	used := l.held
	entries, err := l.control.List(kernel.ListOptions{})
	for _, e := range entries {
		deps, _ := l.control.Deps(kernel.ByName(e.Name), kernel.DepsOptions{})
		for _, d := range deps {
			used[kernel.Minor(d)] = true
		}
	}
	n := slices.Index(used[:], false)
	if err != nil || n < 0 || !o.ReadOnly {
		return nil, errors.Join(err, errors.New("no free loop device, or not read-only"))
	}
	l.held[n] = true
	backing := filepath.Join(l.sys, "block", fmt.Sprint("loop", n), "loop/backing_file")
	return loop{l, n}, os.WriteFile(backing, []byte(file+"\n"), 0o600)
}

// keyring takes keys as the kernel's does.
type keyring struct{ held int }

func (k *keyring) Add(activate.KeyType, string, []byte) (int, error) {
	k.held++
	return k.held, nil
}

func (k *keyring) Remove(int) error {
	k.held--
	return nil
}

// fakeStage has a fake kernel.
func fakeStage(t *testing.T) (*stage, live.Machine) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("paths of devices and files are another thing there")
	}
	k := kerneltest.New(t, kerneltest.Options{})
	c := k.Open(kernel.Options{})
	l := newLoops(t, k, c)
	k.Inject(kerneltest.Fault{Call: "status", Times: 1 << 20, Do: func() {
		for _, name := range k.Devices() {
			k.SetStatus(name, "V") // the fake verifies nothing
		}
	}})
	m := live.Machine{System: k, Keyring: new(keyring), AttachLoop: l.attach, SysDir: l.sys, RemoveWait: time.Nanosecond}
	t.Cleanup(func() {
		if l.held != [10]bool{} {
			t.Errorf("loop devices are left open: %v", l.held)
		}
	})
	return &stage{
		fixtures: newFixtures(t), control: c, hold: k.Hold,
		run: func(args []string) (int, string, string) {
			return runMachine(t, m, append([]string{"--compat=2.6"}, args...))
		},
	}, m
}

// runMachine runs ours on a machine.
func runMachine(t *testing.T, m live.Machine, args []string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := dropin.Run(t.Context(), "veritysetup", args, ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, dropin.Bodies{Machine: m})
	return code, stdout.String(), stderr.String()
}

// TestVeritysetupSession plays the steps with a fake kernel, and compares with what the
// real veritysetup did on a real one.
func TestVeritysetupSession(t *testing.T) {
	t.Setenv("DM_DISABLE_UDEV", "1")
	b, err := os.ReadFile(filepath.Join("testdata", sessionFile))
	if err != nil {
		t.Fatal(err)
	}
	var reference []outcome
	if err := json.Unmarshal(b, &reference); err != nil {
		t.Fatal(err)
	}
	steps, reference := withoutKernel(liveSteps, reference)
	s, _ := fakeStage(t)
	compareSessions(t, steps, s.play(t, steps), reference)
}
