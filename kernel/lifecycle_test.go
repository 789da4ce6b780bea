package kernel_test

import (
	"context"
	"slices"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

const (
	mib   = 1 << 20
	disk  = "/dev/sda"
	disk2 = "/dev/sdb"
)

// newFake is a fake kernel with two disks and a client of it.
func newFake(t *testing.T, fake kerneltest.Options, o kernel.Options) (*kerneltest.Kernel, *kernel.Control) {
	t.Helper()
	k := kerneltest.New(t, fake)
	k.AddDisk(disk, 16*mib)
	k.AddDisk(disk2, 16*mib)
	return k, k.Open(o)
}

func linear(path string) tables.Table {
	return tables.LinearTable{Length: mib, BackendDevice: path}
}

// activate makes a running device.
func activate(t *testing.T, c *kernel.Control, name string, ts ...tables.Table) kernel.Info {
	t.Helper()
	if len(ts) == 0 {
		ts = []tables.Table{linear(disk)}
	}
	info, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, ts...)
	if err != nil {
		t.Fatalf("activating %s: %v", name, err)
	}
	return info
}

func remove(t *testing.T, c *kernel.Control, name string) {
	t.Helper()
	if _, err := c.Remove(context.Background(), kernel.ByName(name), kernel.RemoveOptions{}); err != nil {
		t.Fatalf("removing %s: %v", name, err)
	}
}

// TestLifecycle goes through a device's life with each udev, and counts the commands: they
// are libdm's.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		udev kerneltest.Udev
		link bool
	}{
		{"no udev", kerneltest.NoUdev, false},
		{"udev", kerneltest.UdevAtOnce, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k, ctl := newFake(t, kerneltest.Options{Udev: c.udev}, kernel.Options{})
			info := activate(t, ctl, "data")
			if info.Name != "data" || !info.HasLiveTable() || info.Suspended() || info.TargetsNum != 1 {
				t.Errorf("info after activation: %+v", info)
			}
			node, ok := k.Nodes()["data"]
			if !ok || node.Devno != info.DevNo || node.Link != c.link {
				t.Errorf("node after activation: %+v, %t", node, ok)
			}
			ts, err := ctl.Table(kernel.ByName("data"), kernel.TableOptions{})
			if want := []tables.Table{linear("7:0")}; err != nil || !slices.Equal(ts, want) {
				t.Errorf("table: %v, %v, want %v", ts, err, want)
			}
			remove(t, ctl, "data")
			if n := k.Nodes(); len(n) != 0 {
				t.Errorf("nodes after removal: %v", n)
			}
			want := []string{"version", "create", "load", "resume", "table", "remove"}
			if got := k.Calls(); !slices.Equal(got, want) {
				t.Errorf("commands: %v, want %v", got, want)
			}
		})
	}
}
