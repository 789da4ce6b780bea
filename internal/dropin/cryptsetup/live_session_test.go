package cryptsetup_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/cryptsetup"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel"
)

// liveFile holds what cryptsetup 2.6.1 did with every step on Linux 6.12.
// TestLiveCryptsetup writes it anew to where the lab's artifacts are.
const liveFile = "cryptsetup-live-2.6.1.json"

// runMachine runs ours on a machine.
func runMachine(t *testing.T, m live.Machine, args []string, input string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	streams := ui.Streams{In: strings.NewReader(input), Out: &stdout, Err: &stderr}
	code := cryptsetup.Run(t.Context(), args, streams, cryptsetup.Bodies{Machine: m})
	return code, stdout.String(), stderr.String()
}

// TestMappingSession plays the steps with a fake kernel, and compares with what the real
// cryptsetup did on a real one.
func TestMappingSession(t *testing.T) {
	t.Setenv("DM_DISABLE_UDEV", "1")
	steps, reference := livetest.WithoutKernel(liveSteps, livetest.Load(t, filepath.Join("testdata", liveFile)))
	m, k, c := livetest.Fake(t, imageSize)
	s := &livetest.Stage{
		Dir: liveImages(t), Control: c, Hold: k.Hold,
		Run: func(args []string, input string) (int, string, string) { return runMachine(t, m, args, input) },
	}
	livetest.Compare(t, "cryptsetup", steps, s.Play(t, steps), reference)
	if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil { // nobody removes the nodes of devices that go later
		t.Error(err)
	}
}
