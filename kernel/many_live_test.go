//go:build linux

package kernel_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// benchRow is a row of package bench's results, and what is counted besides.
type benchRow struct {
	Workload       string  `json:"workload"`
	Implementation string  `json:"implementation"`
	Peer           bool    `json:"peer"`
	Devices        int     `json:"devices"`
	Commands       int64   `json:"commands,omitempty"` // ioctls of the control device
	WallSeconds    float64 `json:"wall_seconds"`
}

// TestLiveScale lists devices and asks for their status, few and many of them: a list is one
// command and a status one for each device, however many there are. The times are left as
// artifacts; they are those of an emulated machine.
func TestLiveScale(t *testing.T) {
	labtest.Inside(t)
	if kernel.Machine().UdevRunning() {
		t.Skip("udevd would work on the events of a thousand devices meanwhile")
	}
	few, many := 250, 1000
	if testing.Short() {
		few, many = 25, 100
	}
	spy := &countingSystem{System: kernel.Machine()}
	c := kerneltest.RequireWith(t, kernel.Options{System: spy, Udev: kernel.UdevOff})
	var rows []benchRow
	word := kerneltest.Name(t, c, "scale")
	made := 0
	for _, n := range []int{few, many} {
		for ; made < n; made++ {
			name := fmt.Sprintf("%04d-%s", made, word)
			t.Cleanup(func() { kerneltest.Remove(t, c, name) })
			bare(t, c, name)
		}
		rows = append(rows, scale(t, c, spy, n)...)
		rows = append(rows, scaleTool(t, "list", n, "ls"), scaleTool(t, "status", n, "status"))
	}
	for _, r := range rows {
		t.Logf("%-8s %-8s %5d devices: %5d commands, %8.1f ms", r.Workload, r.Implementation, r.Devices, r.Commands, 1e3*r.WallSeconds)
	}
	content, err := json.MarshalIndent(rows, "", "\t")
	if err == nil {
		err = os.MkdirAll(guest.OutDir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(guest.OutDir, "bench.json"), append(content, '\n'), 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}

// bare makes a device with a table, and neither udev nor a node.
func bare(t *testing.T, c *kernel.Control, name string) {
	t.Helper()
	if _, err := c.Create(name, kernel.CreateOptions{UUID: "DMIMGTEST-" + name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Load(kernel.ByName(name), kernel.LoadOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	o := kernel.ResumeOptions{Udev: kernel.UdevOptions{Flags: kernel.UdevNoLibraryFallback}}
	if _, err := c.Resume(t.Context(), kernel.ByName(name), o); err != nil {
		t.Fatal(err)
	}
}

// scale lists n devices and asks each for its status.
func scale(t *testing.T, c *kernel.Control, spy *countingSystem, n int) []benchRow {
	t.Helper()
	if _, err := c.List(kernel.ListOptions{UUIDs: true}); err != nil { // grows the buffer
		t.Fatal(err)
	}
	before, start := spy.commands.Load(), time.Now()
	entries, err := c.List(kernel.ListOptions{UUIDs: true})
	listed := benchRow{Workload: "list", Implementation: "dmimg", Devices: n, Commands: spy.commands.Load() - before, WallSeconds: time.Since(start).Seconds()}
	if err != nil || len(entries) != n {
		t.Fatalf("%d devices are listed, want %d: %v", len(entries), n, err)
	}
	before, start = spy.commands.Load(), time.Now()
	for _, e := range entries {
		if _, err := c.Status(kernel.ByName(e.Name), kernel.StatusOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	status := benchRow{Workload: "status", Implementation: "dmimg", Devices: n, Commands: spy.commands.Load() - before, WallSeconds: time.Since(start).Seconds()}
	if listed.Commands != 1 || status.Commands != int64(n) {
		t.Errorf("%d devices take %d commands to list and %d for their status, want 1 and %[1]d", n, listed.Commands, status.Commands)
	}
	return []benchRow{listed, status}
}

// scaleTool lets the real dmsetup do it.
func scaleTool(t *testing.T, workload string, n int, verb string) benchRow {
	t.Helper()
	start := time.Now()
	if out, err := exec.CommandContext(t.Context(), "dmsetup", verb).CombinedOutput(); err != nil {
		t.Errorf("dmsetup %s: %v: %.300s", verb, err, out)
	}
	return benchRow{Workload: workload, Implementation: "dmsetup", Peer: true, Devices: n, WallSeconds: time.Since(start).Seconds()}
}
