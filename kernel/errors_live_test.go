//go:build linux

package kernel_test

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// TestLiveErrors asks a kernel for what it refuses.
func TestLiveErrors(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	disk := labtest.Disk(t, mib)
	name := kerneltest.Name(t, c, "errors")
	minor := uint32(77)
	if _, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: "DMIMGTEST-errors", Minor: &minor}},
		tables.LinearTable{Length: mib, BackendDevice: disk}); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Info(kernel.ByName(name), kernel.InfoOptions{}); err != nil || kernel.Minor(info.DevNo) != minor {
		t.Errorf("minor number: %+v, %v", info, err)
	}
	free := kerneltest.Name(t, c, "free")
	activate := func(o kernel.ActivateOptions, ts ...tables.Table) error {
		_, err := c.CreateAndLoad(ctx, free, o, ts...)
		if err == nil {
			t.Error("a device was made that must not be")
			kerneltest.Remove(t, c, free)
		}
		if _, ierr := c.Info(kernel.ByName(free), kernel.InfoOptions{}); !errors.Is(ierr, kernel.ErrNotFound) {
			t.Errorf("after a failed activation: %v", ierr)
		}
		return err
	}
	onDisk := func(device string) tables.Table { return tables.LinearTable{Length: mib, BackendDevice: device} }
	taken := kernel.CreateOptions{}
	for _, e := range []struct {
		what string
		err  func() error
		want []error
	}{
		{"info of nothing", func() error { _, err := c.Info(kernel.ByName(free), kernel.InfoOptions{}); return err }, []error{kernel.ErrNotFound, syscall.ENXIO}},
		{"info of another UUID", func() error { _, err := c.Info(kernel.ByUUID("x"), kernel.InfoOptions{}); return err }, []error{kernel.ErrNotFound}},
		{"info of another number", func() error { _, err := c.Info(kernel.ByDevno(kernel.Mkdev(7, 0)), kernel.InfoOptions{}); return err }, []error{kernel.ErrNotFound}},
		{"load of nothing", func() error { _, err := c.Load(kernel.ByName(free), kernel.LoadOptions{}, onDisk(disk)); return err }, []error{kernel.ErrNotFound}},
		{"remove of nothing", func() error { return kernel.Remove(free) }, []error{kernel.ErrNotFound}},
		{"resume of nothing", func() error { return kernel.Resume(free) }, []error{kernel.ErrNotFound}},
		{"rename of nothing", func() error { return kernel.Rename(free, free+"x") }, []error{kernel.ErrNotFound}},
		{"name taken", func() error { _, err := c.Create(name, taken); return err }, []error{kernel.ErrExists, syscall.EBUSY}},
		{"UUID taken", func() error {
			return activate(kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: "DMIMGTEST-errors"}}, onDisk(disk))
		}, []error{kernel.ErrExists}},
		{"minor taken", func() error {
			return activate(kernel.ActivateOptions{Create: kernel.CreateOptions{Minor: &minor}}, onDisk(disk))
		}, []error{kernel.ErrExists}},
		{"no such disk", func() error { return activate(kernel.ActivateOptions{}, onDisk("/dev/nothing")) }, []error{}},
		{"no such disk number", func() error { return activate(kernel.ActivateOptions{}, onDisk("99:1")) }, []error{}},
		{"a file instead of a disk", func() error { return activate(kernel.ActivateOptions{}, onDisk("/proc/misc")) }, []error{}},
		{"disk too small", func() error {
			return activate(kernel.ActivateOptions{}, tables.LinearTable{Length: 4 * mib, BackendDevice: disk})
		}, []error{kernel.ErrInvalid, syscall.EINVAL}},
		{"no such target", func() error {
			return activate(kernel.ActivateOptions{}, tables.RawTable{Length: mib, Target: "nosuch"})
		}, []error{kernel.ErrInvalid, syscall.EINVAL}},
		{"a gap", func() error {
			return activate(kernel.ActivateOptions{Load: kernel.LoadOptions{Unchecked: true}}, tables.ZeroTable{Length: mib}, tables.ZeroTable{Start: 2 * mib, Length: mib})
		}, []error{kernel.ErrInvalid, syscall.EINVAL}},
		{"a gap found here", func() error {
			return activate(kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}, tables.ZeroTable{Start: 2 * mib, Length: mib})
		}, []error{kernel.ErrInvalid, tables.ErrOverlap}},
		{"no table", func() error { return activate(kernel.ActivateOptions{}) }, []error{kernel.ErrInvalid}},
		{"message to linear", func() error { return kernel.Message(name, 0, "hello") }, []error{kernel.ErrInvalid, syscall.EINVAL}},
		{"message past the end", func() error { return kernel.Message(name, 1<<30, "hello") }, []error{kernel.ErrInvalid}},
		{"target version", func() error { _, err := c.TargetVersion("nosuch"); return err }, []error{kernel.ErrNotFound}},
		{"resume without table", func() error {
			bare := kerneltest.Name(t, c, "bare")
			if err := errors.Join(kernel.Create(bare, ""), kernel.Resume(bare)); err != nil { // does nothing
				t.Error(err)
			}
			if _, err := os.Lstat(nodeOf(bare)); err == nil {
				t.Error("a device without a table has a node")
			}
			if err := kernel.Suspend(bare); err != nil {
				t.Error(err)
			}
			return kernel.Resume(bare)
		}, []error{kernel.ErrInvalid}},
	} {
		err := e.err()
		t.Logf("%s: %v", e.what, err)
		if err == nil {
			t.Errorf("%s: no error", e.what)
		}
		for _, want := range e.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", e.what, err, want)
			}
		}
		var typed *kernel.Error
		if !errors.As(err, &typed) || typed.Op == "" {
			t.Errorf("%s: %#v is no *kernel.Error", e.what, err)
		}
	}
}

// TestLiveBusy removes a device that is open: refused, deferred, cancelled, and with
// patience.
func TestLiveBusy(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	name := kerneltest.Name(t, c, "busy")
	ref := kernel.ByName(name)
	if _, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		f, err := os.Open(nodeOf(name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := open()
	if _, err := c.Remove(ctx, ref, kernel.RemoveOptions{}); !errors.Is(err, kernel.ErrBusy) {
		t.Errorf("remove of an open device: %v", err)
	}
	deferred, err := c.Remove(ctx, ref, kernel.RemoveOptions{Deferred: true})
	if err != nil || !deferred {
		t.Errorf("deferred remove: %t, %v", deferred, err)
	}
	info, err := c.Info(ref, kernel.InfoOptions{})
	if err != nil || !info.DeferredRemove() || info.OpenCount != 1 {
		t.Errorf("info: %+v, %v", info, err)
	}
	if reply, err := c.Message(ref, 0, []byte("@cancel_deferred_remove"), kernel.MessageOptions{}); err != nil || reply != nil {
		t.Errorf("cancelling: %q, %v", reply, err)
	}
	if info, err = c.Info(ref, kernel.InfoOptions{}); err != nil || info.DeferredRemove() {
		t.Errorf("info after cancelling: %+v, %v", info, err)
	}
	removed := make(chan error, 1)
	go func() {
		_, err := c.Remove(ctx, ref, kernel.RemoveOptions{Retry: true})
		removed <- err
	}()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-removed; err != nil {
		t.Errorf("remove with patience: %v", err)
	}

	if _, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	f = open()
	if deferred, err := c.Remove(ctx, ref, kernel.RemoveOptions{Deferred: true}); err != nil || !deferred {
		t.Errorf("deferred remove: %t, %v", deferred, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := waitGone(c, ref); err != nil {
		t.Errorf("after the last close: %v", err)
	}
	if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil { // nobody else removes the node here
		t.Error(err)
	}
	if _, err := os.Lstat(nodeOf(name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the node: %v", err)
	}
}

// waitGone waits for a device to be gone.
func waitGone(c *kernel.Control, ref kernel.Ref) error {
	for {
		if err := c.ArmPoll(); err != nil {
			return err
		}
		if _, err := c.Info(ref, kernel.InfoOptions{}); errors.Is(err, kernel.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		if err := c.Poll(context.Background()); err != nil {
			return err
		}
	}
}
