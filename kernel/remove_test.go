package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// TestRetry removes a device while it is busy for a while, and for too long.
func TestRetry(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		retry bool
		busy  int
		want  error
		after time.Duration
		calls int
	}{
		{false, 1, kernel.ErrBusy, 0, 1},
		{true, 0, nil, 0, 1},
		{true, 3, nil, 600 * time.Millisecond, 4},
		{true, 24, nil, 4800 * time.Millisecond, 25},
		{true, 25, kernel.ErrBusy, 4800 * time.Millisecond, 25},
	} {
		t.Run(fmt.Sprint(e.retry, e.busy), func(t *testing.T) {
			t.Parallel()
			bubble(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
				activate(t, c, "data")
				k.ForgetCalls()
				if e.busy > 0 {
					k.Inject(kerneltest.Fault{Call: "remove", Err: syscall.EBUSY, Times: e.busy})
				}
				start := time.Now()
				_, err := c.Remove(context.Background(), kernel.ByName("data"), kernel.RemoveOptions{Retry: e.retry})
				if waited := time.Since(start); !errors.Is(err, e.want) || waited != e.after {
					t.Errorf("%v after %v, want %v after %v", err, waited, e.want, e.after)
				}
				noCookies(t, c)
				removals := slices.DeleteFunc(k.Calls(), func(s string) bool { return strings.TrimSuffix(s, "!") != "remove" })
				if len(removals) != e.calls {
					t.Errorf("%d calls, want %d", len(removals), e.calls)
				}
			})
		})
	}
	bubble(t, kerneltest.Options{}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
		activate(t, c, "data")
		release := k.Hold("data")
		defer release()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := c.Remove(ctx, kernel.ByName("data"), kernel.RemoveOptions{Retry: true})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, kernel.ErrBusy) {
			t.Errorf("with a context that ends: %v", err)
		}
	})
}

// TestDeferredRemove keeps the node until the device is closed.
func TestDeferredRemove(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
	ctx, ref := context.Background(), kernel.ByName("data")
	activate(t, c, "data")
	release := k.Hold("data")
	deferred, err := c.Remove(ctx, ref, kernel.RemoveOptions{Deferred: true})
	if err != nil || !deferred || len(k.Nodes()) != 1 {
		t.Errorf("deferred %t, %v, nodes %v", deferred, err, k.Nodes())
	}
	noCookies(t, c)
	info, err := c.Info(ref, kernel.InfoOptions{})
	if err != nil || !info.DeferredRemove() || info.OpenCount != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := c.Message(ref, 0, []byte("@cancel_deferred_remove"), kernel.MessageOptions{}); err != nil {
		t.Error(err)
	}
	release()
	if len(k.Devices()) != 1 {
		t.Error("it is gone although that was cancelled")
	}
	release = k.Hold("data")
	if deferred, err = c.Remove(ctx, ref, kernel.RemoveOptions{Deferred: true}); err != nil || !deferred {
		t.Errorf("deferred %t, %v", deferred, err)
	}
	release()
	if len(k.Devices())+len(k.Nodes()) != 0 {
		t.Errorf("left: %v, %v", k.Devices(), k.Nodes())
	}
	activate(t, c, "data")
	if deferred, err = c.Remove(ctx, ref, kernel.RemoveOptions{Deferred: true}); err != nil || deferred {
		t.Errorf("of a device that is not open: deferred %t, %v", deferred, err)
	}
}

// TestCloseEndsWaits closes a control device on which others wait.
func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kerneltest.New(t, kerneltest.Options{})
		k.AddDisk(disk, 16*mib)
		keep := k.Open(kernel.Options{})
		activate(t, keep, "data")
		c, err := kernel.Open(kernel.Options{System: k})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		info, err := c.Info(kernel.ByName("data"), kernel.InfoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ends := make(chan error, 3)
		go func() {
			_, err := c.Wait(ctx, kernel.ByName("data"), info.EventNr, kernel.WaitOptions{})
			ends <- err
		}()
		if err := c.ArmPoll(); err != nil {
			t.Fatal(err)
		}
		go func() { ends <- c.Poll(ctx) }()
		go func() {
			var last error
			for _, err := range c.Events(ctx) {
				last = err
			}
			ends <- last
		}()
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		for range 3 {
			if err := <-ends; !errors.Is(err, fs.ErrClosed) {
				t.Errorf("a wait ended with %v", err)
			}
		}
	})
}
