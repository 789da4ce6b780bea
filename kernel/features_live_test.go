//go:build linux

package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// TestLiveVersions asks for versions of interface and targets.
func TestLiveVersions(t *testing.T) {
	c := requireRoot(t)
	if v := c.Version(); v.Major != 4 || v.Minor < 36 {
		t.Errorf("interface %v", v)
	}
	zero, err := c.TargetVersion("zero") // loads its module
	if err != nil || zero.Name != "zero" || zero.Major != 1 {
		t.Errorf("zero: %+v, %v", zero, err)
	}
	list, err := c.Targets()
	if err != nil || !slices.Contains(list, zero) {
		t.Errorf("targets: %+v, %v", list, err)
	}
	for _, name := range []string{"linear", "striped", "error"} { // in dm_mod itself
		if v, err := c.TargetVersion(name); err != nil || v.Name != name {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// TestLiveMessages keeps statistics of a device.
func TestLiveMessages(t *testing.T) {
	c := requireRoot(t)
	name := kerneltest.Name(t, c, "stats")
	ref := kernel.ByName(name)
	if _, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	ask := func(text string, size int) string {
		t.Helper()
		b, err := c.Message(ref, 0, []byte(text), kernel.MessageOptions{ReplySize: size})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return string(b)
	}
	id := ask("@stats_create - 8 dmimg aux", 0)
	if id != "0" {
		t.Fatalf("region %q", id)
	}
	if got, want := ask("@stats_list dmimg", 0), "0: 0+2048 8 dmimg aux\n"; got != want {
		t.Errorf("list %q, want %q", got, want)
	}
	whole := ask("@stats_print 0", 0)
	if lines := strings.Count(whole, "\n"); lines != 256 || !strings.HasPrefix(whole, "0+8 0 0 ") {
		t.Errorf("print: %d lines: %.60q", lines, whole)
	}
	if got := ask("@stats_print 0", 100); got != whole {
		t.Errorf("print with little room: %d bytes, want %d", len(got), len(whole))
	}
	cut, err := c.Message(ref, 0, []byte("@stats_print_clear 0"), kernel.MessageOptions{ReplySize: 100})
	if !errors.Is(err, kernel.ErrTruncated) || cut != nil {
		t.Errorf("print_clear with little room: %q, %v", cut, err)
	}
	if b, err := c.Message(ref, 0, []byte("@stats_delete 0"), kernel.MessageOptions{}); err != nil || b != nil {
		t.Errorf("delete: %q, %v", b, err)
	}
	if b, err := c.Message(ref, 0, []byte("@stats_list"), kernel.MessageOptions{}); err != nil || b == nil || len(b) != 0 {
		t.Errorf("list of nothing: %#v, %v", b, err)
	}
}

// TestLiveGeometry sets what HDIO_GETGEO returns.
func TestLiveGeometry(t *testing.T) {
	c := requireRoot(t)
	name := kerneltest.Name(t, c, "geometry")
	if _, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	if err := c.SetGeometry(kernel.ByName(name), kernel.Geometry{Cylinders: 11, Heads: 22, Sectors: 33, Start: 44}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(nodeOf(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var geo struct {
		heads, sectors byte
		cylinders      uint16
		start          uint // unsigned long
	}
	const hdioGetGeo = 0x301
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), hdioGetGeo, uintptr(unsafe.Pointer(&geo))); errno != 0 {
		t.Fatal(errno)
	}
	if geo.cylinders != 11 || geo.heads != 22 || geo.sectors != 33 || geo.start != 44 {
		t.Errorf("geometry: %+v", geo)
	}
	if err := kernel.ProbePaths(f); !errors.Is(err, kernel.ErrNotSupported) {
		t.Errorf("probing the paths of a zero target: %v", err)
	}
}

// TestLiveMeasurement asks for the text of the integrity measurement.
func TestLiveMeasurement(t *testing.T) {
	c := requireRoot(t)
	name := kerneltest.Name(t, c, "measure")
	if _, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, tables.LinearTable{Length: mib, BackendDevice: labtest.Disk(t, mib)}); err != nil {
		t.Fatal(err)
	}
	r, err := c.Measurement(kernel.ByName(name), kernel.StatusOptions{})
	if c.Version().Minor < 45 {
		if !errors.Is(err, kernel.ErrNotSupported) {
			t.Errorf("measurement: %+v, %v", r, err)
		}
		return
	}
	if err != nil || len(r.Lines) != 1 || !strings.HasPrefix(r.Lines[0].Params, "target_name=linear,target_version=") {
		t.Errorf("measurement: %+v, %v", r, err)
	}
}

// TestLiveCryptKey reads a key back, and looks for it in the buffers that the kernel and
// this package have used.
func TestLiveCryptKey(t *testing.T) {
	spy := &spySystem{System: kernel.Machine()}
	requireRoot(t)
	c := kerneltest.RequireWith(t, kernel.Options{System: spy})
	name := kerneltest.Name(t, c, "key")
	key := bytes.Repeat([]byte{0x5a, 0xc3}, 16)
	crypt := tables.CryptTable{Length: mib, BackendDevice: labtest.Disk(t, mib), Encryption: "aes-xts-plain64", Key: key}
	if _, err := c.CreateAndLoad(context.Background(), name, kernel.ActivateOptions{}, crypt); err != nil {
		t.Fatal(err)
	}
	ts, err := c.Table(kernel.ByName(name), kernel.TableOptions{})
	if err != nil || len(ts) != 1 {
		t.Fatalf("table: %v, %v", ts, err)
	}
	if got, ok := ts[0].(tables.CryptTable); !ok || !bytes.Equal(got.Key, key) {
		t.Errorf("table: %v", ts[0])
	}
	if _, err := c.Message(kernel.ByName(name), 0, []byte("key set 5ac3"), kernel.MessageOptions{}); err == nil {
		t.Error("a key was set while the device runs")
	}
	if len(spy.buffers) < 6 {
		t.Errorf("%d buffers were seen", len(spy.buffers))
	}
	for _, b := range spy.buffers {
		if bytes.Contains(b, []byte("5ac35ac3")) || bytes.Contains(b, []byte("key set 5ac3")) {
			t.Error("a key is left in a buffer")
		}
	}
}

// spySystem keeps all buffers, and counts calls.
type spySystem struct {
	kernel.System
	mu       sync.Mutex
	buffers  [][]byte
	ioctls   atomic.Int64
	pretend  uint32 // minor number of the interface; 0: the truth
	commands []uint32
}

type spyTransport struct {
	kernel.Transport
	spy *spySystem
}

func (s *spySystem) OpenControl(path string) (kernel.Transport, error) {
	tr, err := s.System.OpenControl(path)
	return spyTransport{tr, s}, err
}

func (s spyTransport) Ioctl(number uint32, buf []byte) error {
	s.spy.mu.Lock()
	s.spy.buffers = append(s.spy.buffers, buf)
	s.spy.commands = append(s.spy.commands, number)
	s.spy.mu.Unlock()
	s.spy.ioctls.Add(1)
	err := s.Transport.Ioctl(number, buf)
	if number == 0 && s.spy.pretend != 0 {
		copy(buf[4:8], []byte{byte(s.spy.pretend), 0, 0, 0})
	}
	return err
}

// TestLiveOldWait waits as on a kernel that has no poll, with the kernel's own command.
func TestLiveOldWait(t *testing.T) {
	requireRoot(t)
	spy := &spySystem{System: kernel.Machine(), pretend: 35}
	c := kerneltest.RequireWith(t, kernel.Options{System: spy})
	ctx := context.Background()
	name := kerneltest.Name(t, c, "oldwait")
	path := multipath(t, c, name)
	ref := kernel.ByName(name)
	before, err := c.Info(ref, kernel.InfoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Wait(ended, ref, before.EventNr, kernel.WaitOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("wait with a context that has ended: %v", err)
	}
	reports, failures := make(chan kernel.Report, 1), make(chan error, 1)
	go func() {
		r, err := c.Wait(ctx, ref, before.EventNr, kernel.WaitOptions{})
		reports <- r
		failures <- err
	}()
	send(t, c, name, "fail_path "+path)
	if r, err := <-reports, <-failures; err != nil || r.Info.EventNr == before.EventNr || len(r.Lines) != 1 {
		t.Errorf("wait: %+v, %v", r, err)
	}
	if !slices.Contains(spy.commands, 8) {
		t.Errorf("commands %v, DM_DEV_WAIT is not among them", spy.commands)
	}
	if err := c.ArmPoll(); !errors.Is(err, kernel.ErrNotSupported) {
		t.Errorf("arm-poll: %v", err)
	}
	if list, err := c.List(kernel.ListOptions{UUIDs: true}); err != nil || len(list) == 0 {
		t.Errorf("list: %+v, %v", list, err)
	}
}

// TestLiveMany lists hundreds of devices, each call one command.
func TestLiveMany(t *testing.T) {
	requireRoot(t)
	spy := &spySystem{System: kernel.Machine()}
	c := kerneltest.RequireWith(t, kernel.Options{System: spy, Udev: kernel.UdevOff})
	const n = 100
	word := kerneltest.Name(t, c, "many")
	var names []string
	t.Cleanup(func() {
		for _, name := range names {
			kerneltest.Remove(t, c, name)
		}
	})
	for i := range n {
		name := fmt.Sprintf("%03d-%s", i, word)
		o := kernel.CreateOptions{UUID: "DMIMGTEST-" + strings.Repeat("u", 80) + name}
		if _, err := c.Create(name, o); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	before := spy.ioctls.Load()
	list, err := c.List(kernel.ListOptions{UUIDPrefix: "DMIMGTEST-uuuu"})
	if err != nil || len(list) != n {
		t.Errorf("list: %d devices, %v", len(list), err)
	}
	for _, e := range list {
		if !slices.Contains(names, e.Name) || e.UUID != "DMIMGTEST-"+strings.Repeat("u", 80)+e.Name {
			t.Errorf("entry %+v", e)
		}
	}
	if made := spy.ioctls.Load() - before; made != 1 {
		t.Errorf("the list took %d commands", made)
	}
}

// TestLiveNodes makes and removes nodes.
func TestLiveNodes(t *testing.T) {
	c := requireRoot(t)
	name := kerneltest.Name(t, c, "nodes")
	o := kernel.ActivateOptions{Resume: kernel.ResumeOptions{Node: kernel.NodeOptions{Mode: 0o640, GID: 6}}}
	if _, err := c.CreateAndLoad(context.Background(), name, o, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	if !kernel.Machine().UdevRunning() {
		var st syscall.Stat_t
		if err := syscall.Lstat(nodeOf(name), &st); err != nil || st.Mode != syscall.S_IFBLK|0o640 || st.Gid != 6 {
			t.Errorf("the node: mode %o, group %d, %v", st.Mode, st.Gid, err)
		}
	}
	if err := os.Remove(nodeOf(name)); err != nil {
		t.Fatal(err)
	}
	stray := nodeOf("stray" + kerneltest.Suffix)
	if err := os.Symlink("../dm-4000", stray); err != nil {
		t.Fatal(err)
	}
	plain := nodeOf("file" + kerneltest.Suffix)
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(plain)
	if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(nodeOf(name)); err != nil {
		t.Errorf("the node of a device: %v", err)
	}
	if _, err := os.Lstat(stray); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a link that leads nowhere: %v", err)
	}
	if _, err := os.Lstat(plain); err != nil {
		t.Errorf("a file: %v", err)
	}
}

// TestLivePermission opens the control device as nobody.
func TestLivePermission(t *testing.T) {
	c := requireRoot(t)
	if os.Getenv("DMIMG_TEST_NOBODY") != "" {
		return
	}
	name := kerneltest.Name(t, c, "permission")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestNobody$", "-test.v")
	cmd.Env = append(os.Environ(), "DMIMG_TEST_NOBODY="+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if err := os.Chmod("/dev/mapper/control", 0o666); err != nil { // the kernel refuses, not the node
		t.Fatal(err)
	}
	defer os.Chmod("/dev/mapper/control", 0o600)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "refused: kernel: open: permission denied") {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

// TestNobody is run by TestLivePermission.
func TestNobody(t *testing.T) {
	name := os.Getenv("DMIMG_TEST_NOBODY")
	if name == "" {
		t.Skip("TestLivePermission runs this")
	}
	if err := kernel.Create(name, ""); !errors.Is(err, kernel.ErrPermission) {
		t.Errorf("create: %v", err)
	} else {
		t.Logf("refused: %v", err)
	}
}

// TestLiveRemoveAll removes everything, where that harms nobody.
func TestLiveRemoveAll(t *testing.T) {
	labtest.Inside(t)
	c := requireRoot(t)
	ctx := context.Background()
	name, held := kerneltest.Name(t, c, "gone"), kerneltest.Name(t, c, "held")
	for _, n := range []string{name, held} {
		if _, err := c.CreateAndLoad(ctx, n, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(nodeOf(held))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveAll(ctx, kernel.RemoveAllOptions{Deferred: true}); err != nil {
		t.Error(err)
	}
	if list, err := c.List(kernel.ListOptions{}); err != nil || len(list) != 1 || list[0].Name != held {
		t.Errorf("left: %+v, %v", list, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := waitGone(c, kernel.ByName(held)); err != nil {
		t.Error(err)
	}
	if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil {
		t.Error(err)
	}
}
