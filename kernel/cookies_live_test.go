//go:build linux

package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// cycles is how many devices TestLiveCookies makes: DMIMG_TEST_CYCLES, in long runs 10000.
func cycles(t *testing.T) int {
	t.Helper()
	text := os.Getenv("DMIMG_TEST_CYCLES")
	if text == "" {
		return 20
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// openFiles is the number of open descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// completer stands in for udevd where none runs: it listens to uevents and completes their
// cookies, as udev's last rule for device-mapper does.
func completer(t *testing.T, c *kernel.Control) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50000}),
	); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 16<<10)
		for {
			n, err := unix.Read(fd, buf)
			if err == nil {
				complete(t, c, buf[:n])
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
		unix.Close(fd)
	})
}

func complete(t *testing.T, c *kernel.Control, event []byte) {
	for _, word := range bytes.Split(event, []byte{0}) {
		text, ok := strings.CutPrefix(string(word), "DM_COOKIE=")
		if !ok {
			continue
		}
		cookie, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Errorf("cookie %q: %v", text, err)
		}
		if kernel.UdevFlags(cookie>>16)&kernel.UdevPrimarySource == 0 {
			t.Errorf("cookie %#x without the primary source flag", cookie)
		}
		if err := c.Complete(uint32(cookie)); err != nil {
			t.Errorf("completing %#x: %v", cookie, err)
		}
	}
}

// TestLiveCookies makes and removes many devices, some of which fail half-way, and finds
// no semaphore and no descriptor left behind. Without udevd it is its own.
func TestLiveCookies(t *testing.T) {
	plain := requireRoot(t)
	if !kernel.Machine().UdevRunning() {
		completer(t, plain)
	}
	c := kerneltest.RequireWith(t, kernel.Options{Udev: kernel.UdevOn, UdevTimeout: time.Minute})
	ctx := context.Background()
	name := kerneltest.Name(t, c, "cookies")
	before, files := cookieCount(t, c), openFiles(t)
	n := cycles(t)
	for i := range n {
		o, zero := kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}
		var err error
		switch i % 10 {
		case 3: // the load fails
			o.Load.Unchecked = true
			_, err = c.CreateAndLoad(ctx, name, o, tables.RawTable{Length: mib, Target: "nosuch"})
		case 6: // the resume is given up
			ended, cancel := context.WithCancel(ctx)
			cancel()
			_, err = c.CreateAndLoad(ended, name, o, zero)
		default:
			if _, err := c.CreateAndLoad(ctx, name, o, zero); err != nil {
				t.Fatalf("cycle %d: %v", i, err)
			}
			if _, err := c.CreateAndLoad(ctx, name, o, zero); !errors.Is(err, kernel.ErrExists) {
				t.Fatalf("cycle %d: a second device of the name: %v", i, err)
			}
			if _, err := c.Remove(ctx, kernel.ByName(name), kernel.RemoveOptions{Retry: true}); err != nil {
				t.Fatalf("cycle %d: %v", i, err)
			}
			continue
		}
		if err == nil {
			t.Fatalf("cycle %d: no error", i)
		}
	}
	if after := cookieCount(t, c); after != before {
		t.Errorf("%d cookies before %d cycles, %d after", before, n, after)
	}
	if after := openFiles(t); after != files {
		t.Errorf("%d descriptors before %d cycles, %d after", files, n, after)
	}
	t.Logf("%d cycles left no cookie and no descriptor", n)
}

// cookieCount counts the semaphores with libdm's mark in /proc/sysvipc/sem itself.
func cookieCount(t *testing.T, c *kernel.Control) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/sem")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if key, err := strconv.ParseInt(words[0], 10, 64); err == nil && uint32(key)>>16 == 0x0d4d {
			n++
		}
	}
	cookies, err := c.Cookies()
	if err != nil || len(cookies) != n {
		t.Errorf("Cookies: %+v, %v, want %d", cookies, err, n)
	}
	return n
}

// TestLiveGroupCookie waits once for several devices.
func TestLiveGroupCookie(t *testing.T) {
	plain := requireRoot(t)
	if !kernel.Machine().UdevRunning() {
		completer(t, plain)
	}
	c := kerneltest.RequireWith(t, kernel.Options{Udev: kernel.UdevOn, UdevTimeout: time.Minute})
	ctx := context.Background()
	k, err := c.NewCookie()
	if err != nil || k.Value()>>16 != 0x0d4d {
		t.Fatalf("cookie: %#x, %v", k.Value(), err)
	}
	var names []string
	for i := range 4 {
		names = append(names, kerneltest.Name(t, c, fmt.Sprintf("group%d", i)))
		o := kernel.ActivateOptions{Resume: kernel.ResumeOptions{Udev: kernel.UdevOptions{Cookie: k}}}
		if _, err := c.CreateAndLoad(ctx, names[i], o, tables.ZeroTable{Length: mib}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Remove(ctx, kernel.ByName("nothing"), kernel.RemoveOptions{Udev: kernel.UdevOptions{Cookie: k}}); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("remove of nothing: %v", err)
	}
	if other, err := c.OpenCookie(k.Value()); err != nil || other.Value() != k.Value() {
		t.Errorf("opening the cookie: %v", err)
	}
	if err := k.Wait(ctx); err != nil {
		t.Errorf("wait: %v", err)
	}
	for _, name := range names {
		if _, err := os.Stat(nodeOf(name)); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	}
	if _, err := c.OpenCookie(k.Value()); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("opening the cookie after its end: %v", err)
	}
	if _, err := c.Remove(ctx, kernel.ByName(names[0]), kernel.RemoveOptions{Udev: kernel.UdevOptions{Cookie: k}}); !errors.Is(err, kernel.ErrInvalid) {
		t.Errorf("use of the cookie after its end: %v", err)
	}
}

// TestLiveHungUdev waits for a udevd that does nothing: there is an end to it, and the
// device is there.
func TestLiveHungUdev(t *testing.T) {
	requireRoot(t)
	if kernel.Machine().UdevRunning() {
		t.Skip("udevd runs: it is not hung")
	}
	c := kerneltest.RequireWith(t, kernel.Options{Udev: kernel.UdevOn, UdevTimeout: 300 * time.Millisecond})
	ctx := context.Background()
	name := kerneltest.Name(t, kerneltest.Require(t), "hung")
	ref := kernel.ByName(name)
	if _, err := c.Create(name, kernel.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Load(ref, kernel.LoadOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	info, err := c.Resume(ctx, ref, kernel.ResumeOptions{})
	if !errors.Is(err, kernel.ErrUdevTimeout) || !info.HasLiveTable() {
		t.Errorf("resume: %+v, %v", info, err)
	}
	if _, err := os.Stat(nodeOf(name)); err != nil {
		t.Errorf("the node: %v", err)
	}
	ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := c.Remove(ended, ref, kernel.RemoveOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("remove with a context that ends: %v", err)
	}
	if _, err := os.Lstat(nodeOf(name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the node after the removal: %v", err)
	}
	if n := cookieCount(t, c); n != 0 {
		t.Errorf("%d cookies are left", n)
	}
}

// TestLiveConcurrent uses one client from many goroutines.
func TestLiveConcurrent(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	var all sync.WaitGroup
	for i := range 4 {
		name := kerneltest.Name(t, c, fmt.Sprintf("many%d", i))
		all.Go(func() {
			for range 2 {
				if _, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
					t.Errorf("create: %v", err)
				}
				f, err := os.Open(nodeOf(name))
				if err != nil {
					t.Errorf("the node: %v", err)
				} else {
					if _, err := io.ReadFull(f, make([]byte, 4096)); err != nil {
						t.Errorf("read: %v", err)
					}
					f.Close()
				}
				if _, err := c.List(kernel.ListOptions{UUIDs: true}); err != nil {
					t.Errorf("list: %v", err)
				}
				if _, err := c.Remove(ctx, kernel.ByName(name), kernel.RemoveOptions{Retry: true}); err != nil {
					t.Errorf("remove: %v", err)
				}
			}
		})
	}
	all.Wait()
}
