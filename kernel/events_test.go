package kernel_test

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// TestEvents sees everything that lists show.
func TestEvents(t *testing.T) {
	t.Parallel()
	bubble(t, kerneltest.Options{}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
		ctx, cancel := context.WithCancel(context.Background())
		bg := context.Background()
		activate(t, c, "first")
		got := make(chan string, 100)
		go func() {
			defer close(got)
			for e, err := range c.Events(ctx) {
				if err != nil {
					got <- "end: " + map[bool]string{true: "cancelled", false: err.Error()}[errors.Is(err, context.Canceled)]
					continue
				}
				text := e.Kind.String() + " " + e.Entry.Name
				if e.OldName != "" {
					text += " from " + e.OldName
				}
				got <- text
			}
		}()
		for _, step := range []struct {
			do   func()
			want []string
		}{
			{func() {}, []string{"present first"}},
			{func() { c.Create("second", kernel.CreateOptions{}) }, []string{"added second"}},
			{func() { k.Event("second") }, []string{"changed second"}},
			{func() { k.Event("first"); k.Event("second") }, []string{"changed first", "changed second"}},
			{func() { c.SetUUID(bg, kernel.ByName("second"), "u", kernel.UdevOptions{}) }, []string{"changed second"}},
			{func() { c.Rename(bg, kernel.ByName("second"), "third", kernel.UdevOptions{}) }, []string{"renamed third from second"}},
			{func() { c.Reload(bg, kernel.ByName("first"), kernel.ReloadOptions{}, tables.ZeroTable{Length: mib}) }, []string{"other "}},
			{func() { c.Remove(bg, kernel.ByName("third"), kernel.RemoveOptions{}) }, []string{"removed third"}},
			{func() { remove(t, c, "first"); c.Create("first", kernel.CreateOptions{UUID: "v"}); k.Event("first") }, []string{"changed first"}},
			{cancel, []string{"end: cancelled"}},
		} {
			step.do()
			synctest.Wait()
			var events []string
			for len(got) > 0 {
				events = append(events, <-got)
			}
			slices.Sort(events)
			if !slices.Equal(events, step.want) {
				t.Errorf("events %q, want %q", events, step.want)
			}
		}
		synctest.Wait()
		if err := c.Poll(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("poll: %v", err)
		}
	})
}

// TestEventsEnd leaves the loop, and meets failures.
func TestEventsEnd(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	activate(t, c, "data")
	for e, err := range c.Events(context.Background()) {
		if err != nil || e.Kind != kernel.EventPresent {
			t.Errorf("%+v, %v", e, err)
		}
		break // the control device of the stream is closed: the fake counts
	}
	for _, call := range []string{"open", "arm-poll", "list-devices"} {
		k.Inject(kerneltest.Fault{Call: call, Err: syscall.EIO})
		n := 0
		for _, err := range c.Events(context.Background()) {
			if n++; !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v", call, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d events", call, n)
		}
	}
	if text := kernel.EventKind(99).String(); text != "unknown" {
		t.Errorf("a kind that does not exist: %q", text)
	}
}

// TestWait waits for one device while others have events, on kernels with and without poll.
func TestWait(t *testing.T) {
	t.Parallel()
	for _, minor := range []uint32{35, 48} {
		bubble(t, kerneltest.Options{Minor: minor}, kernel.Options{}, func(t *testing.T, k *kerneltest.Kernel, c *kernel.Control) {
			activate(t, c, "data")
			activate(t, c, "other", linear(disk2))
			type result struct {
				kernel.Report
				err error
			}
			results := make(chan result, 1)
			wait := func(ctx context.Context, o kernel.WaitOptions) {
				go func() {
					r, err := c.Wait(ctx, kernel.ByName("data"), 0, o)
					results <- result{r, err}
				}()
				synctest.Wait()
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			start := time.Now()
			wait(ctx, kernel.WaitOptions{})
			k.Event("other")
			synctest.Wait()
			if len(results) != 0 {
				t.Errorf("it ended with another device's event: %+v", <-results)
			}
			if r := <-results; !errors.Is(r.err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
				t.Errorf("%v after %v", r.err, time.Since(start))
			}
			wait(context.Background(), kernel.WaitOptions{Table: true})
			k.Event("data") // ends the wait that was given up too
			if r := <-results; r.err != nil || r.Info.EventNr != 1 || len(r.Lines) != 1 || r.Lines[0].Params != "7:0 0" {
				t.Errorf("%+v, %v", r.Report, r.err)
			}
			synctest.Wait()
			if _, err := c.Wait(context.Background(), kernel.ByName("nothing"), 0, kernel.WaitOptions{}); !errors.Is(err, kernel.ErrNotFound) {
				t.Error(err)
			}
		})
	}
}
