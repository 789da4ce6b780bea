//go:build linux

package dropin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// artifacts is where the lab takes files from.
const artifacts = "/lab/out"

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
	s := &stage{fixtures: newFixtures(t), control: c, hold: func(name string) func() { return holdNode(t, name) }, read: readAway}
	s.run = func(args []string) (int, string, string) { return runProgram(t, peer, args) }
	reference := s.play(t, liveSteps)
	record(t, reference)
	s.run = func(args []string) (int, string, string) {
		return runMachine(t, live.Machine{RemoveWait: time.Second}, append([]string{"--compat=2.6"}, args...))
	}
	compareSessions(t, liveSteps, s.play(t, liveSteps), reference)
	if loops := loopFiles(t); loops != nil {
		t.Errorf("loop devices are left: %q", loops)
	}
}

// holdNode opens a device.
func holdNode(t *testing.T, name string) (release func()) {
	t.Helper()
	f, err := os.Open("/dev/mapper/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		for loopFiles(t) != nil && t.Context().Err() == nil { // the kernel removes the device in the background
			runtime.Gosched()
		}
	}
}

// loopFiles are the loop devices that there are.
func loopFiles(t *testing.T) []string {
	t.Helper()
	loops, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	return loops
}

// readAway reads a device as far as it can be read.
func readAway(name string) {
	f, err := os.Open("/dev/mapper/" + name)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = io.Copy(io.Discard, f)
}

// runProgram runs the reference. What it says on stderr about what worked is no matter.
func runProgram(t *testing.T, path string, args []string) (int, string, string) {
	t.Helper()
	var stdout bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout = &stdout
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode(), stdout.String(), ""
	case err != nil:
		t.Fatal(err)
	}
	return 0, stdout.String(), ""
}

// record leaves what the reference did for testdata.
func record(t *testing.T, reference []outcome) {
	t.Helper()
	var b strings.Builder
	between := "[\n"
	for _, o := range reference {
		line, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(between + string(line))
		between = ",\n"
	}
	b.WriteString("\n]\n")
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(artifacts, sessionFile), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
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
		realCode, realStdout, _ := runProgram(t, peer, args)
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
