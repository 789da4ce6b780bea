package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// verbs are calls of every command about the running device "data".
func verbs(c *kernel.Control) map[string]func() error {
	ctx, ref := context.Background(), kernel.ByName("data")
	return map[string]func() error{
		"create":        func() error { _, err := c.Create("other", kernel.CreateOptions{}); return err },
		"remove":        func() error { _, err := c.Remove(ctx, ref, kernel.RemoveOptions{}); return err },
		"remove-all":    func() error { return c.RemoveAll(ctx, kernel.RemoveAllOptions{}) },
		"rename":        func() error { _, err := c.Rename(ctx, ref, "new", kernel.UdevOptions{}); return err },
		"suspend":       func() error { _, err := c.Suspend(ctx, ref, kernel.SuspendOptions{}); return err },
		"resume":        func() error { _, err := c.Resume(ctx, ref, kernel.ResumeOptions{}); return err },
		"info":          func() error { _, err := c.Info(ref, kernel.InfoOptions{}); return err },
		"load":          func() error { _, err := c.Load(ref, kernel.LoadOptions{}, linear(disk)); return err },
		"clear":         func() error { _, err := c.Clear(ref); return err },
		"deps":          func() error { _, err := c.Deps(ref, kernel.DepsOptions{}); return err },
		"status":        func() error { _, err := c.Status(ref, kernel.StatusOptions{}); return err },
		"table":         func() error { _, err := c.Table(ref, kernel.TableOptions{}); return err },
		"list-devices":  func() error { _, err := c.List(kernel.ListOptions{}); return err },
		"list-versions": func() error { _, err := c.Targets(); return err },
		"message":       func() error { _, err := c.Message(ref, 0, []byte("@stats_list"), kernel.MessageOptions{}); return err },
		"set-geometry":  func() error { return c.SetGeometry(ref, kernel.Geometry{Cylinders: 1, Heads: 2, Sectors: 3}) },
		"arm-poll":      func() error { return c.ArmPoll() },
		"target-version": func() error {
			_, err := c.TargetVersion("linear")
			return err
		},
	}
}

// TestInterrupted makes every command be interrupted by signals: none of it shows.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	for name := range verbs(c) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
			activate(t, c, "data")
			if _, err := c.Load(kernel.ByName("data"), kernel.LoadOptions{}, linear(disk)); err != nil {
				t.Fatal(err)
			}
			k.ForgetCalls()
			k.Inject(kerneltest.Fault{Call: name, Err: syscall.EINTR, Times: 3})
			if err := verbs(c)[name](); err != nil {
				t.Error(err)
			}
			var made int
			for _, call := range k.Calls() {
				if strings.TrimSuffix(call, "!") == name {
					made++
				}
			}
			if made != 4 {
				t.Errorf("%d calls, want 4: %v", made, k.Calls())
			}
		})
	}
	k.Inject(kerneltest.Fault{Call: "version", Err: syscall.EINTR, Times: 3})
	k.Open(kernel.Options{})
}

// TestErrnos maps what the kernel says to sentinels, command by command.
func TestErrnos(t *testing.T) {
	t.Parallel()
	exceptions := map[string]map[syscall.Errno]error{
		"create":         {syscall.EBUSY: kernel.ErrExists, syscall.ENXIO: kernel.ErrExists},
		"rename":         {syscall.EBUSY: kernel.ErrExists},
		"target-version": {syscall.EINVAL: kernel.ErrNotFound},
	}
	usual := map[syscall.Errno]error{
		syscall.ENXIO: kernel.ErrNotFound, syscall.EBUSY: kernel.ErrBusy, syscall.EINVAL: kernel.ErrInvalid,
		syscall.EACCES: kernel.ErrPermission, syscall.EPERM: kernel.ErrPermission, syscall.ENOTTY: kernel.ErrNotSupported,
		syscall.ENOMEM: nil, syscall.EIO: nil, syscall.EAGAIN: nil,
	}
	sentinels := []error{kernel.ErrNotFound, kernel.ErrBusy, kernel.ErrInvalid, kernel.ErrPermission, kernel.ErrNotSupported, kernel.ErrExists}
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data")
	for name, do := range verbs(c) {
		for errno, want := range usual {
			if e, ok := exceptions[name][errno]; ok {
				want = e
			}
			k.Inject(kerneltest.Fault{Call: name, Err: errno})
			err := do()
			var typed *kernel.Error
			if !errors.As(err, &typed) || !errors.Is(err, errno) {
				t.Errorf("%s, %v: %v", name, errno, err)
				continue
			}
			for _, s := range sentinels {
				if errors.Is(err, s) != (s == want) {
					t.Errorf("%s, %v: %v: is %v: %t", name, errno, err, s, s != want)
				}
			}
		}
	}
}

// TestErrorText is what people read.
func TestErrorText(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data")
	ref := kernel.ByName("data")
	for _, e := range []struct {
		call  string
		errno error
		do    func() error
		want  string
	}{
		{"info", syscall.ENXIO, func() error { _, err := c.Info(kernel.ByUUID("u"), kernel.InfoOptions{}); return err }, "kernel: info uuid u: not found: " + syscall.ENXIO.Error()},
		{"load", syscall.EINVAL, func() error { _, err := c.Load(ref, kernel.LoadOptions{}, linear(disk)); return err }, "kernel: load data: invalid: " + syscall.EINVAL.Error() + " (the kernel log may say why)"},
		{"load", syscall.ENOENT, func() error { _, err := c.Load(ref, kernel.LoadOptions{}, linear(disk)); return err }, "kernel: load data: " + syscall.ENOENT.Error() + " (a device that the table names)"},
		{"create", syscall.EBUSY, func() error { _, err := c.Create("a b", kernel.CreateOptions{}); return err }, `kernel: create a b: exists already: ` + syscall.EBUSY.Error()},
		{"info", syscall.ENXIO, func() error { _, err := c.Info(kernel.ByName("a\nb"), kernel.InfoOptions{}); return err }, `kernel: info "a\nb": not found: ` + syscall.ENXIO.Error()},
		{"info", syscall.ENXIO, func() error {
			_, err := c.Info(kernel.ByDevno(kernel.Mkdev(253, 300)), kernel.InfoOptions{})
			return err
		}, `kernel: info 253:300: not found: ` + syscall.ENXIO.Error()},
		{"remove-all", syscall.EACCES, func() error { return c.RemoveAll(context.Background(), kernel.RemoveAllOptions{}) }, "kernel: remove-all: permission denied: " + syscall.EACCES.Error() + " (device-mapper needs root: CAP_SYS_ADMIN in the initial user namespace)"},
		{"", nil, func() error { _, err := c.Info(kernel.Ref{}, kernel.InfoOptions{}); return err }, `kernel: info: invalid: no device given`},
		{"", nil, func() error { _, err := c.Info(kernel.ByDevno(0), kernel.InfoOptions{}); return err }, `kernel: info 0:0: invalid: there is no device 0:0`},
		{"", nil, func() error { _, err := c.Load(ref, kernel.LoadOptions{}); return err }, `kernel: load data: invalid: a table needs at least one target`},
		{"", nil, func() error { return c.SetGeometry(ref, kernel.Geometry{Heads: 256}) }, `kernel: set-geometry data: invalid: at most 65535 cylinders, 255 heads and 255 sectors are possible`},
	} {
		if e.call != "" {
			k.Inject(kerneltest.Fault{Call: e.call, Err: e.errno.(syscall.Errno)})
		}
		if err := e.do(); err == nil || err.Error() != e.want {
			t.Errorf("got  %v\nwant %s", err, e.want)
		}
	}
}

// TestBufferGrows asks for answers that do not fit at first.
func TestBufferGrows(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	var ts []tables.Table
	for i := range uint64(1000) {
		ts = append(ts, tables.LinearTable{Start: i * 512, Length: 512, BackendDevice: disk, BackendOffset: i * 512})
	}
	activate(t, c, "data", ts...)
	texts := make([]string, len(ts))
	for i := range texts {
		texts[i] = strings.Repeat("s", i)
	}
	k.SetStatus("data", texts...)
	ref := kernel.ByName("data")

	k.ForgetCalls()
	got, err := c.Table(ref, kernel.TableOptions{})
	if err != nil || len(got) != len(ts) {
		t.Fatalf("table: %d targets, %v", len(got), err)
	}
	if n := len(k.Calls()); n != 2 { // 16 KiB, 64 KiB
		t.Errorf("%d calls: %v", n, k.Calls())
	}
	r, err := c.Status(ref, kernel.StatusOptions{})
	if err != nil || len(r.Lines) != len(ts) || r.Info.TargetsNum != 1000 {
		t.Fatalf("status: %d lines, %v", len(r.Lines), err)
	}
	for i, line := range r.Lines {
		if line.Params != texts[i] || line.Start != uint64(i) || line.Length != 1 {
			t.Fatalf("line %d: %.80v", i, line)
		}
	}
	k.ForgetCalls()
	if _, err := c.Status(ref, kernel.StatusOptions{}); err != nil || len(k.Calls()) != 1 {
		t.Errorf("the second time: %v, %v", k.Calls(), err)
	}
	if got, err := c.Wait(context.Background(), ref, 1, kernel.WaitOptions{}); err != nil || len(got.Lines) != len(ts) {
		t.Errorf("wait: %d lines, %v", len(got.Lines), err)
	}
}

// TestExactFit asks for texts around the size of the buffer: one that fills it exactly
// counts as cut.
func TestExactFit(t *testing.T) {
	t.Parallel()
	for _, length := range []int{16384 - 312 - 40 - 3, 16384 - 312 - 40 - 2, 16384 - 312 - 40 - 1, 16384 - 312 - 40, 16384} {
		k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
		activate(t, c, "data")
		k.SetStatus("data", strings.Repeat("x", length))
		r, err := c.Status(kernel.ByName("data"), kernel.StatusOptions{})
		if err != nil || len(r.Lines) != 1 || len(r.Lines[0].Params) != length {
			t.Errorf("%d bytes: %d lines, %v", length, len(r.Lines), err)
		}
	}
}

// TestManyDevices lists a thousand devices with the longest UUIDs in two calls, and again in
// one.
func TestManyDevices(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	for i := range 1000 {
		if _, err := c.Create(fmt.Sprintf("device-%04d", i), kernel.CreateOptions{UUID: fmt.Sprintf("%0128d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{2, 1} {
		k.ForgetCalls()
		list, err := c.List(kernel.ListOptions{UUIDs: true})
		if err != nil || len(list) != 1000 || list[999].Name != "device-0999" || list[999].UUID != fmt.Sprintf("%0128d", 999) {
			t.Fatalf("list: %d devices, %v", len(list), err)
		}
		if n := len(k.Calls()); n != want {
			t.Errorf("%d calls, want %d", n, want)
		}
	}
	list, err := c.List(kernel.ListOptions{NamePrefix: "device-09", UUIDPrefix: "000"})
	if err != nil || len(list) != 100 {
		t.Errorf("by prefix: %d devices, %v", len(list), err)
	}
}

// TestOldKernels goes down the versions of the interface.
func TestOldKernels(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, minor := range []uint32{19, 26, 35, 36, 37, 40, 43, 44, 48} {
		t.Run(fmt.Sprint(minor), func(t *testing.T) {
			t.Parallel()
			_, c := newFake(t, kerneltest.Options{Minor: minor}, kernel.Options{})
			ref := kernel.ByName("data")
			if v := c.Version(); v.Major != 4 || v.Minor != minor {
				t.Errorf("version %v", v)
			}
			if _, err := c.CreateAndLoad(ctx, "data", kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: "the uuid"}}, linear(disk)); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				activate(t, c, fmt.Sprint("other", i))
			}
			list, err := c.List(kernel.ListOptions{UUIDs: true})
			if err != nil || len(list) != 4 || list[0].UUID != "the uuid" || list[1].UUID != "" {
				t.Errorf("list: %+v, %v", list, err)
			}
			since := func(needed uint32, what string, err error) {
				if errors.Is(err, kernel.ErrNotSupported) != (minor < needed) {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err = c.TargetVersion("nosuch")
			since(41, "target version", err)
			if v, err := c.TargetVersion("linear"); err != nil || v.Version != (kernel.Version{Major: 1, Minor: 4}) {
				t.Errorf("version of linear: %v, %v", v, err)
			}
			since(36, "arm-poll", c.ArmPoll())
			_, err = c.Measurement(ref, kernel.StatusOptions{})
			since(45, "measurement", err)
			ended, cancel := context.WithCancel(ctx)
			for _, err := range c.Events(ended) {
				since(38, "events", err)
				if err == nil {
					cancel()
				}
				break
			}
			cancel()
			_, err = c.Remove(ctx, ref, kernel.RemoveOptions{Deferred: true})
			since(27, "deferred remove", err)
			since(27, "deferred remove-all", c.RemoveAll(ctx, kernel.RemoveAllOptions{Deferred: true}))
			if err := c.RemoveAll(ctx, kernel.RemoveAllOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOtherMajor meets an interface that does not exist.
func TestOtherMajor(t *testing.T) {
	t.Parallel()
	_, err := kernel.Open(kernel.Options{System: strange{System: kerneltest.New(t, kerneltest.Options{})}})
	if !errors.Is(err, kernel.ErrNotSupported) || !strings.Contains(err.Error(), "5.0.0") {
		t.Error(err)
	}
}

type strange struct{ kernel.System }

type strangeTransport struct{ kernel.Transport }

func (s strange) OpenControl(path string) (kernel.Transport, error) {
	t, err := s.System.OpenControl(path)
	return strangeTransport{t}, err
}

func (strangeTransport) Ioctl(_ uint32, buf []byte) error {
	clear(buf[:12])
	dmioctl.Native.Order.PutUint32(buf, 5)
	return syscall.EINVAL
}

// TestOpenErrors explains what is missing.
func TestOpenErrors(t *testing.T) {
	t.Parallel()
	for errno, want := range map[syscall.Errno]error{
		syscall.ENOENT: kernel.ErrNotSupported, syscall.ENODEV: kernel.ErrNotSupported, syscall.ENXIO: kernel.ErrNotSupported,
		syscall.EACCES: kernel.ErrPermission, syscall.EPERM: kernel.ErrPermission,
	} {
		for _, call := range []string{"open", "version"} {
			k := kerneltest.New(t, kerneltest.Options{})
			k.Inject(kerneltest.Fault{Call: call, Err: errno})
			if _, err := kernel.Open(kernel.Options{System: k}); !errors.Is(err, want) || !errors.Is(err, errno) {
				t.Errorf("%s, %v: %v", call, errno, err)
			}
		}
	}
}

// TestClosed uses a control device after its end.
func TestClosed(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{})
	c, err := kernel.Open(kernel.Options{System: k})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	for name, do := range verbs(c) {
		if name == "load" {
			continue // its disk is not there
		}
		if err := do(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Wait(context.Background(), kernel.ByName("data"), 0, kernel.WaitOptions{}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("wait: %v", err)
	}
	for _, err := range c.Events(context.Background()) {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("events: %v", err)
		}
	}
	if err := c.Poll(context.Background()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("poll: %v", err)
	}
}

// TestConcurrent uses one control device from many goroutines.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			name := fmt.Sprint("device", g)
			for range 50 {
				activate(t, c, name)
				if _, err := c.List(kernel.ListOptions{UUIDs: true}); err != nil {
					t.Error(err)
				}
				if _, err := c.Table(kernel.ByName(name), kernel.TableOptions{}); err != nil {
					t.Error(err)
				}
				remove(t, c, name)
			}
		})
	}
	all.Wait()
	if left := k.Devices(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestTableKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data", tables.ZeroTable{Length: mib})
	_ = k
	ts, err := c.Table(kernel.ByName("data"), kernel.TableOptions{})
	if err != nil || !slices.Equal(ts, []tables.Table{tables.ZeroTable{Length: mib}}) {
		t.Errorf("%v, %v", ts, err)
	}
	if ts, err := c.Table(kernel.ByName("data"), kernel.TableOptions{Inactive: true}); err != nil || ts == nil || len(ts) != 0 {
		t.Errorf("no staged table: %#v, %v", ts, err)
	}
}
