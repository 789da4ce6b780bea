package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// bubble runs a test in which time passes by itself.
func bubble(t *testing.T, fake kerneltest.Options, o kernel.Options, f func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k, c := newFake(t, fake, o)
		f(t, k, c)
	})
}

// noCookies fails when a semaphore is left.
func noCookies(t *testing.T, c *kernel.Control) {
	t.Helper()
	if left, err := c.Cookies(); err != nil || len(left) != 0 {
		t.Errorf("cookies left: %+v, %v", left, err)
	}
}

// TestUdevLater waits for a udev that takes its time.
func TestUdevLater(t *testing.T) {
	t.Parallel()
	bubble(t, kerneltest.Options{Udev: kerneltest.UdevLater}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
		start := time.Now()
		done := make(chan bool)
		go func() {
			activate(t, c, "data")
			close(done)
		}()
		synctest.Wait() // it waits for udev
		time.Sleep(90 * time.Second)
		if cookies, err := c.Cookies(); err != nil || len(cookies) != 1 || cookies[0].Count != 1 || cookies[0].Value>>16 != 0x0d4d {
			t.Errorf("cookies meanwhile: %+v, %v", cookies, err)
		}
		if len(k.Nodes()) != 0 {
			t.Errorf("nodes before udev: %v", k.Nodes())
		}
		k.RunUdev()
		<-done
		if waited := time.Since(start); waited > 91*time.Second {
			t.Errorf("it went on for %v", waited)
		}
		noCookies(t, c)
		go k.RunUdev() // at once when the removal waits
		removed := make(chan bool)
		go func() {
			remove(t, c, "data")
			close(removed)
		}()
		synctest.Wait()
		k.RunUdev()
		<-removed
	})
}

// TestUdevHangs gives up after the time that was set, and leaves a device that works.
func TestUdevHangs(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]struct {
		options kernel.Options
		limit   time.Duration // of the context; 0: none
		want    error
		after   time.Duration
	}{
		"default": {kernel.Options{}, 0, kernel.ErrUdevTimeout, 3 * time.Minute},
		"ten":     {kernel.Options{UdevTimeout: 10 * time.Second}, 0, kernel.ErrUdevTimeout, 10 * time.Second},
		"context": {kernel.Options{UdevTimeout: -1}, 5 * time.Second, context.DeadlineExceeded, 5 * time.Second},
		"both":    {kernel.Options{UdevTimeout: time.Hour}, 5 * time.Second, context.DeadlineExceeded, 5 * time.Second},
		"at once": {kernel.Options{UdevTimeout: 1}, 0, kernel.ErrUdevTimeout, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, kerneltest.Options{Udev: kerneltest.UdevHung}, e.options, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
				ctx := context.Background()
				limited := func() (context.Context, context.CancelFunc) {
					if e.limit == 0 {
						return ctx, func() {}
					}
					return context.WithTimeout(ctx, e.limit)
				}
				ref := kernel.ByName("data")
				if _, err := c.Create("data", kernel.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Load(ref, kernel.LoadOptions{}, linear(disk)); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				check := func(what string, err error) {
					t.Helper()
					if waited := time.Since(start); !errors.Is(err, e.want) || waited < e.after || waited > e.after+time.Second {
						t.Errorf("%s: %v after %v, want %v after %v", what, err, waited, e.want, e.after)
					}
					noCookies(t, c)
					start = time.Now()
				}
				within, cancel := limited()
				info, err := c.Resume(within, ref, kernel.ResumeOptions{})
				cancel()
				check("resume", err)
				if !info.HasLiveTable() || k.Nodes()["data"].Devno != info.DevNo {
					t.Errorf("after the resume: %+v, %v", info, k.Nodes())
				}
				within, cancel = limited()
				_, err = c.Rename(within, ref, "new", kernel.UdevOptions{})
				cancel()
				check("rename", err)
				if n := k.Nodes(); len(n) != 1 || n["new"].Devno != info.DevNo {
					t.Errorf("after the rename: %v", n)
				}
				within, cancel = limited()
				_, err = c.Remove(within, kernel.ByName("new"), kernel.RemoveOptions{})
				cancel()
				check("remove", err)
				if len(k.Nodes())+len(k.Devices()) != 0 {
					t.Errorf("after the removal: %v, %v", k.Nodes(), k.Devices())
				}
				within, cancel = limited()
				_, err = c.CreateAndLoad(within, "data", kernel.ActivateOptions{}, linear(disk))
				cancel()
				if !errors.Is(err, e.want) || len(k.Devices()) != 0 || len(k.Nodes()) != 0 {
					t.Errorf("create and load: %v, left %v, %v", err, k.Devices(), k.Nodes())
				}
				noCookies(t, c)
			})
		})
	}
}

// TestGroupCookie waits once for several devices, and once for none.
func TestGroupCookie(t *testing.T) {
	t.Parallel()
	bubble(t, kerneltest.Options{Udev: kerneltest.UdevLater}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
		ctx := context.Background()
		cookie, err := c.NewCookie()
		if err != nil {
			t.Fatal(err)
		}
		udev := kernel.UdevOptions{Cookie: cookie}
		for i := range 3 {
			o := kernel.ActivateOptions{Resume: kernel.ResumeOptions{Udev: udev}}
			if _, err := c.CreateAndLoad(ctx, fmt.Sprint("data", i), o, linear(disk)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Resume(ctx, kernel.ByName("data0"), kernel.ResumeOptions{Udev: udev}); err != nil { // no event
			t.Error(err)
		}
		if _, err := c.Resume(ctx, kernel.ByName("nothing"), kernel.ResumeOptions{Udev: udev}); !errors.Is(err, kernel.ErrNotFound) {
			t.Error(err)
		}
		if list, _ := c.Cookies(); len(list) != 1 || list[0].Count != 4 || list[0].Value != cookie.Value() {
			t.Errorf("cookies: %+v", list)
		}
		done := make(chan error)
		go func() { done <- cookie.Wait(ctx) }()
		synctest.Wait()
		k.RunUdev()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(k.Nodes()) != 3 {
			t.Errorf("nodes: %v", k.Nodes())
		}
		noCookies(t, c)
		if err := errors.Join(cookie.Wait(ctx), cookie.Discard()); err != nil {
			t.Errorf("a second wait: %v", err)
		}
		if _, err := c.Remove(ctx, kernel.ByName("data0"), kernel.RemoveOptions{Udev: udev}); !errors.Is(err, kernel.ErrInvalid) {
			t.Errorf("use after the end: %v", err)
		}

		unused, err := c.NewCookie()
		if err != nil {
			t.Fatal(err)
		}
		if err := unused.Wait(ctx); err != nil {
			t.Errorf("wait for nothing: %v", err)
		}
		discarded, err := c.NewCookie()
		if err != nil {
			t.Fatal(err)
		}
		if err := discarded.Discard(); err != nil {
			t.Error(err)
		}
		noCookies(t, c)
	})
}

// TestForeignCookie uses and completes a cookie that somebody else made.
func TestForeignCookie(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
	ctx := context.Background()
	made, err := c.NewCookie()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := k.Open(kernel.Options{}).OpenCookie(made.Value())
	if err != nil {
		t.Fatal(err)
	}
	o := kernel.ActivateOptions{Resume: kernel.ResumeOptions{Udev: kernel.UdevOptions{Cookie: opened}}}
	if _, err := c.CreateAndLoad(ctx, "data", o, linear(disk)); err != nil {
		t.Fatal(err)
	}
	if err := opened.Wait(ctx); err != nil {
		t.Error(err)
	}
	if err := made.Wait(ctx); err != nil { // it is gone: nothing to wait for
		t.Error(err)
	}
	for value, want := range map[uint32]error{
		made.Value(): kernel.ErrNotFound, 0x0d4d0000: kernel.ErrInvalid, 0x12345678: kernel.ErrInvalid, 0x0d4dffff: kernel.ErrNotFound,
	} {
		if _, err := c.OpenCookie(value); !errors.Is(err, want) {
			t.Errorf("%#x: %v, want %v", value, err, want)
		}
	}
	never, err := c.OpenCookie(0)
	if err != nil || never.Value() != 0 || never.Wait(ctx) != nil {
		t.Errorf("the cookie 0: %v", err)
	}

	made, err = c.NewCookie()
	if err != nil {
		t.Fatal(err)
	}
	flags := uint32(kernel.UdevPrimarySource) << 16
	if err := c.Complete(flags | made.Value()&0xffff); err != nil {
		t.Error(err)
	}
	if err := c.Complete(flags); err != nil { // flags without a semaphore
		t.Error(err)
	}
	if err := c.Complete(flags | made.Value()&0xffff); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("completing more than was begun: %v", err)
	}
	if err := made.Discard(); err != nil {
		t.Error(err)
	}
	if err := c.Complete(made.Value()); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("completing what is gone: %v", err)
	}
}

// TestCookieFlags looks at what the kernel is told.
func TestCookieFlags(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		udev  kerneltest.Udev
		mode  kernel.UdevSync
		flags kernel.UdevFlags
		nodes []string // and whether they are links
	}{
		{kerneltest.UdevAtOnce, kernel.UdevAuto, 0, []string{"data link"}},
		{kerneltest.UdevAtOnce, kernel.UdevAuto, kernel.UdevPrivate, []string{"data link"}},
		{kerneltest.UdevAtOnce, kernel.UdevAuto, kernel.UdevNoDMRules, []string{"data node"}},
		{kerneltest.UdevAtOnce, kernel.UdevAuto, kernel.UdevNoDMRules | kernel.UdevNoLibraryFallback, nil},
		{kerneltest.UdevAtOnce, kernel.UdevOff, 0, []string{"data node"}},
		{kerneltest.NoUdev, kernel.UdevAuto, 0, []string{"data node"}},
		{kerneltest.NoUdev, kernel.UdevOff, kernel.UdevNoLibraryFallback, nil},
	} {
		k, c := newFake(t, kerneltest.Options{Udev: e.udev}, kernel.Options{Udev: e.mode})
		o := kernel.UdevOptions{Flags: e.flags}
		if _, err := c.CreateAndLoad(context.Background(), "data", kernel.ActivateOptions{Resume: kernel.ResumeOptions{Udev: o}}, linear(disk)); err != nil {
			t.Fatal(err)
		}
		var nodes []string
		for name, n := range k.Nodes() {
			nodes = append(nodes, name+map[bool]string{true: " link", false: " node"}[n.Link])
		}
		if !slices.Equal(nodes, e.nodes) {
			t.Errorf("%+v: nodes %q", e, nodes)
		}
		if _, err := c.Remove(context.Background(), kernel.ByName("data"), kernel.RemoveOptions{Udev: o}); err != nil {
			t.Error(err)
		}
		if e.flags&kernel.UdevNoLibraryFallback == 0 && len(k.Nodes()) != 0 {
			t.Errorf("%+v: left %v", e, k.Nodes())
		}
	}
}

// TestSemaphoresFail makes each semaphore call fail in turn.
func TestSemaphoresFail(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, e := range []struct {
		call  string
		errno syscall.Errno
		skip  int
		mode  kernel.UdevSync
		works bool
		there bool // the device
		left  bool // a semaphore that could not be removed
	}{
		{"semget", syscall.ENOSYS, 0, kernel.UdevAuto, true, true, false},
		{"semget", syscall.ENOSPC, 0, kernel.UdevAuto, true, true, false},
		{"semget", syscall.ENOSPC, 0, kernel.UdevOn, false, false, false},
		{"semget", syscall.EACCES, 0, kernel.UdevAuto, false, false, false},
		{"semget", syscall.EEXIST, 0, kernel.UdevAuto, true, true, false},
		{"semadd", syscall.ERANGE, 0, kernel.UdevAuto, false, false, false},
		{"semadd", syscall.EIDRM, 1, kernel.UdevAuto, true, true, false},
		{"semwait", syscall.EINTR, 0, kernel.UdevAuto, true, true, false},
		{"semwait", syscall.EIDRM, 0, kernel.UdevAuto, true, true, false},
		{"semwait", syscall.EACCES, 0, kernel.UdevAuto, false, true, false},
		{"semremove", syscall.EIDRM, 0, kernel.UdevAuto, true, true, true},
		{"semremove", syscall.EPERM, 0, kernel.UdevAuto, false, true, true},
	} {
		t.Run(fmt.Sprintf("%s %v %d", e.call, e.errno, e.skip), func(t *testing.T) {
			t.Parallel()
			k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce, Tolerant: true}, kernel.Options{Udev: e.mode})
			ref := kernel.ByName("data")
			if _, err := c.Create("data", kernel.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Load(ref, kernel.LoadOptions{}, linear(disk)); err != nil {
				t.Fatal(err)
			}
			k.Inject(kerneltest.Fault{Call: e.call, Err: e.errno, Skip: e.skip})
			_, err := c.Resume(ctx, ref, kernel.ResumeOptions{})
			if (err == nil) != e.works || err != nil && !errors.Is(err, e.errno) {
				t.Errorf("resume: %v", err)
			}
			if info, err := c.Info(ref, kernel.InfoOptions{}); err != nil || info.HasLiveTable() != e.there {
				t.Errorf("the device: %+v, %v", info, err)
			}
			if _, ok := k.Nodes()["data"]; ok != e.there {
				t.Errorf("nodes: %v", k.Nodes())
			}
			if list, err := c.Cookies(); err != nil || (len(list) != 0) != e.left {
				t.Errorf("cookies: %+v, %v", list, err)
			}
		})
	}
	t.Run("new cookie", func(t *testing.T) {
		t.Parallel()
		k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
		k.Inject(kerneltest.Fault{Call: "semadd", Err: syscall.ERANGE})
		if _, err := c.NewCookie(); !errors.Is(err, syscall.ERANGE) {
			t.Error(err)
		}
		noCookies(t, c)
		k.Inject(kerneltest.Fault{Call: "semget", Err: syscall.EEXIST, Times: 5000})
		if _, err := c.NewCookie(); !errors.Is(err, syscall.EEXIST) {
			t.Error(err)
		}
	})
}

// TestCookieCycles makes ten thousand devices, of which many fail in one step or another.
func TestCookieCycles(t *testing.T) {
	t.Parallel()
	n := 10_000
	if testing.Short() {
		n = 500
	}
	k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
	ctx := context.Background()
	steps := []string{"create", "load", "resume", "semadd", "semget", "remove", "semwait"}
	for i := range n {
		if i%3 == 0 {
			k.Inject(kerneltest.Fault{Call: steps[i%len(steps)], Err: syscall.ENOMEM, After: i%2 == 0})
		}
		if _, err := c.CreateAndLoad(ctx, "data", kernel.ActivateOptions{}, linear(disk)); err != nil && !errors.Is(err, syscall.ENOMEM) {
			t.Fatalf("cycle %d: %v", i, err)
		}
		for len(k.Devices()) != 0 {
			if _, err := c.Remove(ctx, kernel.ByName("data"), kernel.RemoveOptions{}); err != nil && !errors.Is(err, syscall.ENOMEM) {
				t.Fatalf("cycle %d: %v", i, err)
			}
		}
		if i%100 == 0 {
			noCookies(t, c)
		}
	}
	noCookies(t, c)
}
