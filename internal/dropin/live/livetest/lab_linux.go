package livetest

import (
	"bytes"
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
)

// Artifacts is where the lab takes files from.
const Artifacts = "/lab/out"

// removalTime bounds how long the kernel may take to remove what was released.
const removalTime = 10 * time.Second

// HoldNode opens a device. When it is released the kernel may remove it in the background,
// which is waited for while there are loop devices that may go with it.
func HoldNode(t *testing.T, name string) (release func()) {
	t.Helper()
	f, err := os.Open(live.Dir + name)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(removalTime); LoopFiles(t) != nil && time.Now().Before(end); {
			runtime.Gosched()
		}
	}
}

// LoopFiles are the loop devices that there are.
func LoopFiles(t *testing.T) []string {
	t.Helper()
	loops, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		t.Fatal(err)
	}
	return loops
}

// ReadAway reads a device as far as it can be read.
func ReadAway(name string) {
	f, err := os.Open(live.Dir + name)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = io.Copy(io.Discard, f) // what cannot be read is what the next step is about
}

// RunProgram runs the reference.
func RunProgram(t *testing.T, path string, args []string, input string) (int, string, string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), stdout.String(), stderr.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, stdout.String(), stderr.String()
}
