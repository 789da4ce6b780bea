//go:build linux

package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// multipath makes a device whose event counter a message can move: failing a path.
func multipath(t *testing.T, c *kernel.Control, name string) (path string) {
	t.Helper()
	disk := labtest.Disk(t, mib)
	var st syscall.Stat_t
	if err := syscall.Stat(disk, &st); err != nil {
		t.Fatal(err)
	}
	path = kernel.ByDevno(uint64(st.Rdev)).String()
	line := tables.RawTable{Length: mib, Target: "multipath", Params: "0 0 1 1 round-robin 0 1 1 " + path + " 1"}
	if _, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, line); err != nil {
		t.Fatal(err)
	}
	return path
}

func send(t *testing.T, c *kernel.Control, name, text string) {
	t.Helper()
	if _, err := c.Message(kernel.ByName(name), 0, []byte(text), kernel.MessageOptions{}); err != nil {
		t.Errorf("message %q: %v", text, err)
	}
}

// TestLiveWait waits for the event of one device.
func TestLiveWait(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	name := kerneltest.Name(t, c, "wait")
	path := multipath(t, c, name)
	ref := kernel.ByName(name)
	info, err := c.Info(ref, kernel.InfoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		kernel.Report
		err error
	}
	results := make(chan result)
	go func() {
		r, err := c.Wait(ctx, ref, info.EventNr, kernel.WaitOptions{})
		results <- result{r, err}
	}()
	send(t, c, name, "fail_path "+path)
	r := <-results
	if r.err != nil || r.Info.EventNr == info.EventNr || len(r.Lines) != 1 || !strings.Contains(r.Lines[0].Params, path+" F") {
		t.Errorf("wait: %+v, %v, event number before %d", r.Report, r.err, info.EventNr)
	}
	if at, err := c.Wait(ctx, ref, info.EventNr, kernel.WaitOptions{Table: true}); err != nil || !strings.Contains(at.Lines[0].Params, "round-robin") {
		t.Errorf("wait for what has been: %+v, %v", at, err)
	}

	ended, cancel := context.WithCancel(ctx)
	go func() {
		_, err := c.Wait(ended, ref, r.Info.EventNr, kernel.WaitOptions{})
		results <- result{err: err}
	}()
	time.AfterFunc(20*time.Millisecond, cancel)
	if r := <-results; !errors.Is(r.err, context.Canceled) {
		t.Errorf("wait with a context that ends: %v", r.err)
	}
	other := kerneltest.RequireWith(t, kernel.Options{})
	go func() {
		_, err := other.Wait(ctx, ref, r.Info.EventNr, kernel.WaitOptions{})
		results <- result{err: err}
	}()
	time.AfterFunc(20*time.Millisecond, func() { other.Close() })
	if r := <-results; !errors.Is(r.err, fs.ErrClosed) {
		t.Errorf("wait on a control device that is closed: %v", r.err)
	}
}

// TestLiveEvents sees a device's life in the stream.
func TestLiveEvents(t *testing.T) {
	c := requireRoot(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	files, routines := openFiles(t), runtime.NumGoroutine()
	name, other := kerneltest.Name(t, c, "events"), kerneltest.Name(t, c, "events2")
	first := kerneltest.Name(t, c, "first")
	if _, err := c.CreateAndLoad(ctx, first, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	path := ""
	steps := []func(){
		func() { path = multipath(t, c, name) },
		func() { send(t, c, name, "fail_path "+path) },
		func() {
			if _, err := c.Rename(ctx, kernel.ByName(name), other, kernel.UdevOptions{}); err != nil {
				t.Error(err)
			}
		},
		func() { kerneltest.Remove(t, c, other) },
	}
	want := []string{"present " + first, "added " + name, "changed " + name, "renamed " + other, "removed " + other}
	at := 0
	for e, err := range c.Events(ctx) {
		switch {
		case err != nil:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the stream ended: %v", err)
			}
		case at == len(want):
		case e.Kind.String()+" "+e.Entry.Name == want[at]: // others come between, such as tables made live
			if at++; at == len(want) {
				cancel()
			} else {
				steps[at-1]()
			}
		case e.Kind != kernel.EventChanged && e.Kind != kernel.EventOther:
			t.Errorf("event %v %q, want %q", e.Kind, e.Entry.Name, want[at])
		}
	}
	if at != len(want) {
		t.Errorf("%q did not come", want[at])
	}
	if now := openFiles(t); now != files {
		t.Errorf("descriptors: %d before, %d after", files, now)
	}
	if now := runtime.NumGoroutine(); now > routines {
		t.Errorf("goroutines: %d before, %d after", routines, now)
	}
}

// stuckWrite makes two devices, one on the other, and begins a write to the upper one that
// ends when the lower one is resumed.
func stuckWrite(t *testing.T, c *kernel.Control) (lower, upper string, written chan error) {
	t.Helper()
	ctx := context.Background()
	lower, upper = kerneltest.Name(t, c, "lower"), kerneltest.Name(t, c, "upper")
	if _, err := c.CreateAndLoad(ctx, lower, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateAndLoad(ctx, upper, kernel.ActivateOptions{}, tables.LinearTable{Length: mib, BackendDevice: nodeOf(lower)}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(nodeOf(upper), os.O_RDWR|syscall.O_DIRECT|syscall.O_SYNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Suspend(ctx, kernel.ByName(lower), kernel.SuspendOptions{}); err != nil {
		t.Fatal(err)
	}
	written = make(chan error, 1)
	go func() {
		page, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err == nil {
			_, err = f.Write(page)
		}
		written <- errors.Join(err, f.Close())
	}()
	inflight := fmt.Sprintf("/sys/block/dm-%d/inflight", kernel.Minor(devno(t, c, upper)))
	for {
		b, err := os.ReadFile(inflight)
		if err != nil {
			t.Fatal(err)
		}
		if words := strings.Fields(string(b)); len(words) == 2 && words[1] != "0" {
			return lower, upper, written
		}
		runtime.Gosched()
	}
}

// TestLiveSuspendGivenUp gives up a suspend, and then a resume, that wait for I/O which does
// not end.
func TestLiveSuspendGivenUp(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	lower, upper, written := stuckWrite(t, c)
	ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := c.Suspend(ended, kernel.ByName(upper), kernel.SuspendOptions{SkipLockFS: true}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("suspend: %v", err)
	}
	if _, err := c.Resume(ctx, kernel.ByName(lower), kernel.ResumeOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Errorf("the write: %v", err)
	}
	// The kernel suspends now, and the device is resumed: reading from it ends.
	if b := readBlock(t, nodeOf(upper), 512); len(b) != 512 {
		t.Errorf("read %d bytes", len(b))
	}
}

// TestLiveReloadGivenUp gives up the exchange of a table: it stays as it was.
func TestLiveReloadGivenUp(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	lower, upper, written := stuckWrite(t, c)
	ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	o := kernel.ReloadOptions{Suspend: kernel.SuspendOptions{SkipLockFS: true}}
	if _, err := c.Reload(ended, kernel.ByName(upper), o, tables.ErrorTable{Length: mib}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reload: %v", err)
	}
	if info, err := c.Info(kernel.ByName(upper), kernel.InfoOptions{}); err != nil || info.HasInactiveTable() {
		t.Errorf("info: %+v, %v", info, err)
	}
	if _, err := c.Resume(ctx, kernel.ByName(lower), kernel.ResumeOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Errorf("the write: %v", err)
	}
	if b := readBlock(t, nodeOf(upper), 512); len(b) != 512 {
		t.Errorf("read %d bytes", len(b))
	}
	if r, err := c.TableLines(kernel.ByName(upper), kernel.TableOptions{}); err != nil || len(r.Lines) != 1 || r.Lines[0].Target != "linear" {
		t.Errorf("table: %+v, %v", r, err)
	}
}

func devno(t *testing.T, c *kernel.Control, name string) uint64 {
	t.Helper()
	info, err := c.Info(kernel.ByName(name), kernel.InfoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info.DevNo
}
