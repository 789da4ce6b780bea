package cryptsetup_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// TestLiveCryptsetup plays the steps on a real kernel with the real cryptsetup and with
// ours. Status, stdout, and names, UUIDs and tables of the devices must be the same.
func TestLiveCryptsetup(t *testing.T) {
	if os.Getenv("DMIMG_LAB") != "1" {
		t.Skip("makes devices of any name: it runs inside the lab (make lab-full)")
	}
	peer, err := exec.LookPath("cryptsetup")
	if err != nil {
		t.Fatalf("the lab's image lacks cryptsetup: %v", err)
	}
	s := &livetest.Stage{
		Dir: liveImages(t), Control: kerneltest.Require(t), Read: livetest.ReadAway,
		Hold: func(name string) func() { return livetest.HoldNode(t, name) },
	}
	s.Run = func(args []string, input string) (int, string, string) {
		return livetest.RunProgram(t, peer, args, input)
	}
	reference := s.Play(t, liveSteps)
	livetest.Record(t, filepath.Join(livetest.Artifacts, liveFile), reference)
	s.Run = func(args []string, input string) (int, string, string) {
		return runMachine(t, live.Machine{RemoveWait: time.Second}, args, input)
	}
	livetest.Compare(t, "cryptsetup", liveSteps, s.Play(t, liveSteps), reference)
	if loops := livetest.LoopFiles(t); loops != nil {
		t.Errorf("loop devices are left: %q", loops)
	}
}
