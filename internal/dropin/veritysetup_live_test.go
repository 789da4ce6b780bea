//go:build linux

package dropin_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// TestLiveVeritysetup plays the steps on a real kernel with the real veritysetup and with
// ours. Status, stdout, and names, UUIDs and tables of the devices must be the same.
func TestLiveVeritysetup(t *testing.T) {
	if os.Getenv("DMIMG_LAB") != "1" {
		t.Skip("makes devices of any name: it runs inside the lab (make lab-full)")
	}
	c := kerneltest.Require(t)
	peer, err := exec.LookPath("veritysetup")
	if err != nil {
		t.Fatalf("the lab's image lacks veritysetup: %v", err)
	}
	f := newFixtures(t)
	s := &livetest.Stage{
		Dir: f.dir, Word: f.word, Control: c, Read: livetest.ReadAway,
		Hold: func(name string) func() { return livetest.HoldNode(t, name) },
		Run: func(args []string, _ string) (int, string, string) {
			code, stdout, _ := livetest.RunProgram(t, peer, args, "")
			return code, stdout, ""
		},
	}
	reference := s.Play(t, liveSteps)
	livetest.Record(t, filepath.Join(livetest.Artifacts, sessionFile), reference)
	s.Run = func(args []string, _ string) (int, string, string) {
		return runQuiet(t, live.Machine{RemoveWait: time.Second}, args)
	}
	livetest.Compare(t, "veritysetup", liveSteps, s.Play(t, liveSteps), reference)
	if loops := livetest.LoopFiles(t); loops != nil {
		t.Errorf("loop devices are left: %q", loops)
	}
}

// TestLiveVeritysetupCorrupt opens an image that does not verify, with the option that
// veritysetup does not have.
func TestLiveVeritysetupCorrupt(t *testing.T) {
	c := kerneltest.Require(t)
	f := newFixtures(t)
	name := kerneltest.Name(t, c, "corrupt")
	code, _, stderr := runMachine(t, live.Machine{}, []string{"open", f.path("d"), name, f.path("h"), f.roots["@BIG"], "--fail-if-corrupt"})
	if code != 2 || !strings.Contains(stderr, "corrupted") {
		t.Errorf("status %d, want 2; stderr %q", code, stderr)
	}
	if _, err := c.Info(kernel.ByName(name), kernel.InfoOptions{}); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("the device is there: %v", err)
	}
}

// TestLiveVeritysetupBlockDevices opens block devices instead of files: one that is free,
// and one that another device has claimed.
func TestLiveVeritysetupBlockDevices(t *testing.T) {
	c := kerneltest.Require(t)
	peer, err := exec.LookPath("veritysetup")
	if err != nil {
		t.Skipf("compared with the real veritysetup: %v", err)
	}
	f := newFixtures(t)
	var devices []string
	for _, name := range []string{"d", "h"} {
		l, err := activate.AttachLoop(f.path(name), activate.LoopOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		devices = append(devices, l.Path())
	}
	name, top := kerneltest.Name(t, c, "blocks"), kerneltest.Name(t, c, "claim")
	both := func(args ...string) (code int) {
		t.Helper()
		code, stdout, stderr := runMachine(t, live.Machine{}, append([]string{"--compat=2.6"}, args...))
		if args[0] == "open" && code == 0 {
			if code, _, _ := runMachine(t, live.Machine{}, []string{"close", name}); code != 0 {
				t.Errorf("close: status %d", code)
			}
		}
		realCode, realStdout, _ := livetest.RunProgram(t, peer, args, "")
		if code != realCode || stdout != realStdout {
			t.Errorf("%q: status %d, veritysetup has %d; %s\n%s\nveritysetup\n%s", args, code, realCode, stderr, stdout, realStdout)
		}
		return code
	}
	open := []string{"open", devices[0], name, devices[1], f.roots["@ROOT"]}
	if both(open...) != 0 || both("status", name) != 0 || both("status", "/dev/mapper/"+name) != 0 {
		t.Error("it cannot be opened")
	}
	if code, _, _ := runMachine(t, live.Machine{}, []string{"close", "/dev/mapper/" + name}); code != 0 {
		t.Errorf("close by path: status %d", code)
	}
	claim := tables.LinearTable{Length: 4096, BackendDevice: devices[0]}
	if _, err := c.CreateAndLoad(t.Context(), top, kernel.ActivateOptions{}, claim); err != nil {
		t.Fatal(err)
	}
	if code := both(open...); code != 5 {
		t.Errorf("a claimed device: status %d", code)
	}
	if code, _, stderr := runMachine(t, live.Machine{}, append(open, "--shared")); code != 0 {
		t.Errorf("a claimed device with --shared: status %d, %s", code, stderr)
	}
}
