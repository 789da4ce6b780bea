package dropin_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// sessionFile holds what veritysetup 2.6.1 did with every step on Linux 6.12.
// TestLiveVeritysetup writes it anew to where the lab's artifacts are.
const sessionFile = "veritysetup-live-2.6.1.json"

// diskSize is that of the fake kernel's disks in bytes.
const diskSize = 1 << 20

// word puts in root hashes.
func (f *fixtures) word(w string) string {
	for name, root := range f.roots {
		w = strings.ReplaceAll(w, name, root)
	}
	return w
}

// fakeStage has a fake kernel.
func fakeStage(t *testing.T) (f *fixtures, m live.Machine, k *kerneltest.Kernel, c *kernel.Control) {
	t.Helper()
	m, k, c = livetest.Fake(t, diskSize)
	k.Inject(kerneltest.Fault{Call: "status", Times: 1 << 20, Do: func() {
		for _, name := range k.Devices() {
			k.SetStatus(name, "V") // the fake verifies nothing
		}
	}})
	return newFixtures(t), m, k, c
}

// runMachine runs ours on a machine.
func runMachine(t *testing.T, m live.Machine, args []string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := dropin.Run(t.Context(), "veritysetup", args, ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, dropin.Bodies{Machine: m})
	return code, stdout.String(), stderr.String()
}

// runQuiet runs ours as version 2.6, for a session. What succeeds has nothing to say on
// stderr, except about devices of others; what veritysetup says there was not recorded.
func runQuiet(t *testing.T, m live.Machine, args []string) (int, string, string) {
	t.Helper()
	code, stdout, stderr := runMachine(t, m, append([]string{"--compat=2.6"}, args...))
	if code == 0 && stderr != "" && !strings.Contains(stderr, "removed all the same") {
		t.Errorf("veritysetup %q: status 0, but stderr %q", args, stderr)
	}
	return code, stdout, ""
}

// TestVeritysetupSession plays the steps with a fake kernel, and compares with what the
// real veritysetup did on a real one.
func TestVeritysetupSession(t *testing.T) {
	t.Setenv("DM_DISABLE_UDEV", "1")
	steps, reference := livetest.WithoutKernel(liveSteps, livetest.Load(t, filepath.Join("testdata", sessionFile)))
	f, m, k, c := fakeStage(t)
	s := &livetest.Stage{
		Dir: f.dir, Word: f.word, Control: c, Hold: k.Hold,
		Run: func(args []string, _ string) (int, string, string) { return runQuiet(t, m, args) },
	}
	livetest.Compare(t, "veritysetup", steps, s.Play(t, steps), reference)
}
