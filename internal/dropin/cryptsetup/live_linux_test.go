package cryptsetup_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel/activate"
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

// TestLiveCryptsetupBlockDevices opens block devices instead of files: free ones, and one
// that another mapping has claimed.
func TestLiveCryptsetupBlockDevices(t *testing.T) {
	c := kerneltest.Require(t)
	peer, err := exec.LookPath("cryptsetup")
	if err != nil {
		t.Skipf("compared with the real cryptsetup: %v", err)
	}
	dir := liveImages(t)
	attach := func(name string) string {
		t.Helper()
		l, err := activate.AttachLoop(filepath.Join(dir, name), activate.LoopOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		return l.Path()
	}
	image, junk := attach("l2"), attach("junk")
	first, second := kerneltest.Name(t, c, "first"), kerneltest.Name(t, c, "second")
	pass, key := filepath.Join(dir, "pass"), filepath.Join(dir, "vk")
	both := func(want int, args ...string) {
		t.Helper()
		theirCode, theirs, theirErr := livetest.RunProgram(t, peer, args, "")
		if args[0] == "open" && theirCode == 0 {
			livetest.RunProgram(t, peer, []string{"close", args[2]}, "")
		}
		code, ours, oursErr := runMachine(t, live.Machine{}, args, "")
		if code != want || code != theirCode || ours != theirs || oursErr != theirErr {
			t.Errorf("%q: status %d, %q, %q; cryptsetup has %d, %q, %q; want %d", args, code, ours, oursErr, theirCode, theirs, theirErr, want)
		}
	}
	both(0, "open", image, first, "-d", pass)
	both(0, "status", first)
	both(0, "status", "/dev/mapper/"+first)
	both(5, "open", image, second, "-d", pass)
	both(2, "open", image, second, "-d", key, "-l", "9")
	both(0, "open", junk, second, "--type=plain", "-d", key, "--size=8", "--offset=8")
	both(5, "open", junk, "third", "--type=plain", "-d", key)
	if code, _, stderr := runMachine(t, live.Machine{}, []string{"open", "--type=plain", "--shared", junk, first + "-2", "-d", key, "--size=8"}, ""); code != 0 {
		t.Errorf("--shared: status %d, %s", code, stderr)
	}
	for _, name := range []string{first + "-2", second, first} {
		if code, _, stderr := livetest.RunProgram(t, peer, []string{"close", name}, ""); code != 0 {
			t.Errorf("close %s: status %d, %s", name, code, stderr)
		}
	}
}
