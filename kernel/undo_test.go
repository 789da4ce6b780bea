package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// TestCreateAndLoadUndoes makes each step of an activation fail: nothing is left.
func TestCreateAndLoadUndoes(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		call  string
		after bool
		udev  kerneltest.Udev
		want  []string
	}{
		{"create", false, kerneltest.NoUdev, []string{"create!"}},
		{"load", false, kerneltest.NoUdev, []string{"create", "load!", "remove"}},
		{"resume", false, kerneltest.NoUdev, []string{"create", "load", "resume!", "remove"}},
		{"resume", true, kerneltest.UdevAtOnce, []string{"create", "load", "resume!", "remove"}},
		{"resume", false, kerneltest.UdevAtOnce, []string{"create", "load", "resume!", "remove"}},
		{"mknod", false, kerneltest.NoUdev, []string{"create", "load", "resume", "remove"}},
		{"semget", false, kerneltest.UdevAtOnce, []string{"create", "load", "remove"}},
		{"semadd", false, kerneltest.UdevAtOnce, []string{"create", "load", "remove"}},
		{"semwait", false, kerneltest.UdevAtOnce, []string{"create", "load", "resume", "remove"}},
	} {
		t.Run(fmt.Sprint(e.call, e.after, e.udev), func(t *testing.T) {
			t.Parallel()
			k, c := newFake(t, kerneltest.Options{Udev: e.udev}, kernel.Options{})
			k.ForgetCalls()
			k.Inject(kerneltest.Fault{Call: e.call, Err: syscall.EIO, After: e.after})
			_, err := c.CreateAndLoad(context.Background(), "data", kernel.ActivateOptions{}, linear(disk))
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%v", err)
			}
			if got := k.Calls(); !slices.Equal(got, e.want) {
				t.Errorf("commands %v, want %v", got, e.want)
			}
			if len(k.Devices())+len(k.Nodes()) != 0 {
				t.Errorf("left: %v, %v", k.Devices(), k.Nodes())
			}
			noCookies(t, c)
		})
	}
}

// TestUndoFails joins what went wrong at first and what went wrong with undoing it.
func TestUndoFails(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	k.Inject(kerneltest.Fault{Call: "load", Err: syscall.EIO})
	k.Inject(kerneltest.Fault{Call: "remove", Err: syscall.ENOMEM})
	_, err := c.CreateAndLoad(context.Background(), "data", kernel.ActivateOptions{}, linear(disk))
	if !errors.Is(err, syscall.EIO) || !errors.Is(err, syscall.ENOMEM) {
		t.Error(err)
	}
	remove(t, c, "data")
	k.Inject(kerneltest.Fault{Call: "load", Err: syscall.EIO, Do: func() { k.Vanish("data") }})
	if _, err := c.CreateAndLoad(context.Background(), "data", kernel.ActivateOptions{}, linear(disk)); !errors.Is(err, syscall.EIO) || errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("a device that somebody else removed: %v", err)
	}
}

// TestVanishing takes the device away before each command about it.
func TestVanishing(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	for name, do := range verbs(c) {
		switch name {
		case "create", "remove-all", "list-devices", "list-versions", "arm-poll", "target-version":
			continue // not about a device
		}
		if !slices.Contains(k.Devices(), "data") {
			activate(t, c, "data")
		}
		k.Inject(kerneltest.Fault{Call: name, Do: func() { k.Vanish("data") }})
		if err := do(); !errors.Is(err, kernel.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil {
			t.Error(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
		activate(t, c, "data")
		gone := make(chan error)
		go func() {
			_, err := c.Wait(context.Background(), kernel.ByName("data"), 0, kernel.WaitOptions{})
			gone <- err
		}()
		synctest.Wait()
		k.Vanish("data")
		if err := <-gone; !errors.Is(err, kernel.ErrNotFound) {
			t.Errorf("wait: %v", err)
		}
		if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// targets are the targets of the live table.
func targets(t *testing.T, c *kernel.Control, name string) (kinds []string, info kernel.Info) {
	t.Helper()
	r, err := c.TableLines(kernel.ByName(name), kernel.TableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Lines {
		kinds = append(kinds, l.Target)
	}
	return kinds, r.Info
}

// TestReload exchanges a table, and fails to in each step: the device runs on with the old
// one, or stays as suspended as it was.
func TestReload(t *testing.T) {
	t.Parallel()
	ctx, ref := context.Background(), kernel.ByName("data")
	zero := tables.ZeroTable{Length: mib}
	for _, suspended := range []bool{false, true} {
		for call, want := range map[string][]string{
			"":        {"load", "suspend", "resume"},
			"load":    {"load!"},
			"suspend": {"load", "suspend!", "clear", "resume"},
			"resume":  {"load", "suspend", "resume!", "clear", "resume"},
		} {
			k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
			activate(t, c, "data")
			if suspended {
				if _, err := c.Suspend(ctx, ref, kernel.SuspendOptions{}); err != nil {
					t.Fatal(err)
				}
				want = slices.DeleteFunc(slices.Clone(want), func(s string) bool { return s == "resume" && call != "" })
			}
			k.ForgetCalls()
			if call != "" {
				k.Inject(kerneltest.Fault{Call: call, Err: syscall.EIO})
			}
			_, err := c.Reload(ctx, ref, kernel.ReloadOptions{}, zero)
			if (err == nil) != (call == "") || call != "" && !errors.Is(err, syscall.EIO) {
				t.Errorf("%q: %v", call, err)
			}
			if got := k.Calls(); !slices.Equal(got, want) {
				t.Errorf("%q, suspended %t: commands %v, want %v", call, suspended, got, want)
			}
			kinds, info := targets(t, c, "data")
			if wantKind := map[bool]string{true: "zero", false: "linear"}[call == ""]; !slices.Equal(kinds, []string{wantKind}) ||
				info.HasInactiveTable() || info.Suspended() != (suspended && call != "") {
				t.Errorf("%q, suspended %t: %v, %+v", call, suspended, kinds, info)
			}
			noCookies(t, c)
		}
	}
}

// TestResumeInterrupted resumes again after a signal only while the staged table is there:
// without it the old one would run on as if all were well.
func TestResumeInterrupted(t *testing.T) {
	t.Parallel()
	ctx, ref := context.Background(), kernel.ByName("data")
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data")
	stage := func() {
		if _, err := c.Load(ref, kernel.LoadOptions{}, tables.ZeroTable{Length: mib}); err != nil {
			t.Fatal(err)
		}
	}
	stage()
	k.Inject(kerneltest.Fault{Call: "resume", Err: syscall.EINTR, Times: 2})
	if _, err := c.Resume(ctx, ref, kernel.ResumeOptions{}); err != nil {
		t.Error(err)
	}
	if kinds, _ := targets(t, c, "data"); !slices.Equal(kinds, []string{"zero"}) {
		t.Errorf("table: %v", kinds)
	}
	stage()
	other := k.Open(kernel.Options{})
	k.Inject(kerneltest.Fault{Call: "resume", Err: syscall.EINTR, Do: func() {
		if _, err := other.Clear(ref); err != nil { // what older kernels do
			t.Error(err)
		}
	}})
	if _, err := c.Resume(ctx, ref, kernel.ResumeOptions{}); !errors.Is(err, syscall.EINTR) {
		t.Errorf("a resume that lost its table: %v", err)
	}
}

// TestSuspendGivenUp ends the context of a suspend that waits for I/O. The kernel goes on, and
// the device is resumed after it.
func TestSuspendGivenUp(t *testing.T) {
	t.Parallel()
	ref := kernel.ByName("data")
	for _, reload := range []bool{false, true} {
		bubble(t, kerneltest.Options{}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
			activate(t, c, "data")
			io := make(chan bool)
			k.Inject(kerneltest.Fault{Call: "suspend", Do: func() { <-io }})
			k.ForgetCalls()
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error)
			want := []string{"suspend", "resume"}
			go func() {
				var err error
				if reload {
					want = []string{"load", "suspend", "clear", "clear", "resume"}
					_, err = c.Reload(ctx, ref, kernel.ReloadOptions{}, tables.ZeroTable{Length: mib})
				} else {
					_, err = c.Suspend(ctx, ref, kernel.SuspendOptions{})
				}
				ended <- err
			}()
			synctest.Wait()
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			close(io)
			synctest.Wait()
			if got := k.Calls(); !slices.Equal(got, want) {
				t.Errorf("commands %v, want %v", got, want)
			}
			kinds, info := targets(t, c, "data")
			if !slices.Equal(kinds, []string{"linear"}) || info.Suspended() || info.HasInactiveTable() {
				t.Errorf("%v, %+v", kinds, info)
			}
		})
	}
}

// TestCloseWithSuspendGivenUp closes a control device whose suspend is still in the kernel.
func TestCloseWithSuspendGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.New(t, kerneltest.Options{})
		k.AddDisk(disk, 16*mib)
		activate(t, k.Open(kernel.Options{}), "data")
		c, err := kernel.Open(kernel.Options{System: k})
		if err != nil {
			t.Fatal(err)
		}
		io := make(chan bool)
		k.Inject(kerneltest.Fault{Call: "suspend", Do: func() { <-io }})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		ended := make(chan error)
		go func() {
			_, err := c.Suspend(ctx, kernel.ByName("data"), kernel.SuspendOptions{})
			ended <- err
		}()
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil {
			t.Error("the suspend succeeded")
		}
		close(io) // the kernel is done, the device is resumed
		synctest.Wait()
		if _, info := targets(t, k.Open(kernel.Options{}), "data"); info.Suspended() {
			t.Error("the device is still suspended")
		}
	})
}

// TestChecksBeforeTheKernel refuses what need not be asked.
func TestChecksBeforeTheKernel(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data")
	k.ForgetCalls()
	tooLarge := uint32(1 << 20)
	for what, do := range map[string]func() error{
		"minor":    func() error { _, err := c.Create("x", kernel.CreateOptions{Minor: &tooLarge}); return err },
		"no table": func() error { _, err := c.CreateAndLoad(ctx, "x", kernel.ActivateOptions{}); return err },
		"gap": func() error {
			_, err := c.CreateAndLoad(ctx, "x", kernel.ActivateOptions{}, tables.ZeroTable{Start: 512, Length: 512})
			return err
		},
		"unaligned": func() error {
			_, err := c.Load(kernel.ByName("data"), kernel.LoadOptions{}, tables.ZeroTable{Length: 1})
			return err
		},
		"unaligned, unchecked": func() error {
			_, err := c.Load(kernel.ByName("data"), kernel.LoadOptions{Unchecked: true}, tables.ZeroTable{Length: 1})
			return err
		},
		"no device": func() error { _, err := c.Remove(ctx, kernel.Ref{}, kernel.RemoveOptions{}); return err },
		"no UUID":   func() error { _, err := c.SetUUID(ctx, kernel.ByName("data"), "", kernel.UdevOptions{}); return err },
		"no target": func() error { _, err := c.TargetVersion(""); return err },
		"geometry":  func() error { return c.SetGeometry(kernel.ByName("data"), kernel.Geometry{Cylinders: 1 << 16}) },
	} {
		if err := do(); !errors.Is(err, kernel.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if calls := k.Calls(); len(calls) != 0 {
		t.Errorf("the kernel was asked: %v", calls)
	}
	if err := c.SetGeometry(kernel.ByName("data"), kernel.Geometry{Cylinders: 1, Heads: 2, Sectors: 3, Start: 4}); err != nil || k.Geometry("data") != "1 2 3 4" {
		t.Errorf("geometry %q, %v", k.Geometry("data"), err)
	}
	unordered := []tables.Table{tables.ErrorTable{Start: mib, Length: mib}, linear(disk)}
	if _, err := c.Load(kernel.ByName("data"), kernel.LoadOptions{}, unordered...); err != nil || tables.TargetType(unordered[0]) != "error" {
		t.Errorf("tables in another order: %v, %v", err, unordered)
	}
	if _, err := c.Load(kernel.ByName("data"), kernel.LoadOptions{Unchecked: true}, unordered...); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("tables in another order, unchecked: %v", err)
	}
}
