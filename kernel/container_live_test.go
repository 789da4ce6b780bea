//go:build linux

package kernel_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

const containerVariable = "DMIMG_TEST_CONTAINER"

// TestLiveContainer makes a device in an IPC namespace whose semaphores udevd cannot see: a
// wait for it would never end.
func TestLiveContainer(t *testing.T) {
	c := requireRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestInContainer$", "-test.v")
	cmd.Env = append(os.Environ(), containerVariable+"="+kerneltest.Name(t, c, "container"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWIPC}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestInContainer") {
		t.Errorf("in the namespace: %v\n%s", err, out)
	}
}

// TestInContainer is run by TestLiveContainer.
func TestInContainer(t *testing.T) {
	name := os.Getenv(containerVariable)
	if name == "" {
		t.Skip("TestLiveContainer runs this")
	}
	if kernel.Machine().UdevRunning() {
		t.Error("udev is taken to see the semaphores of another namespace")
	}
	c := kerneltest.RequireWith(t, kernel.Options{UdevTimeout: time.Second})
	if _, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(nodeOf(name)); err != nil {
		t.Error(err)
	}
	if _, err := c.Remove(context.Background(), kernel.ByName(name), kernel.RemoveOptions{Retry: true}); err != nil {
		t.Error(err)
	}
}
