//go:build linux

package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// nodeOf is the node of a device.
func nodeOf(name string) string { return "/dev/mapper/" + name }

func readBlock(t *testing.T, path string, n int) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

// filledDisk is a block device full of one byte.
func filledDisk(t *testing.T, size int64, fill byte) string {
	t.Helper()
	path := labtest.Disk(t, size)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, werr := f.Write(bytes.Repeat([]byte{fill}, int(size)))
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func requireRoot(t *testing.T) *kernel.Control {
	t.Helper()
	return kerneltest.Require(t)
}

// TestLiveLifecycle uses a device between each two steps.
func TestLiveLifecycle(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	disk := filledDisk(t, mib, 'a')
	name := kerneltest.Name(t, c, "life")
	ref := kernel.ByName(name)

	info, err := c.Create(name, kernel.CreateOptions{UUID: "DMIMGTEST-" + name})
	if err != nil {
		t.Fatal(err)
	}
	if info.Name != name || info.UUID != "DMIMGTEST-"+name || info.HasLiveTable() || info.HasInactiveTable() {
		t.Errorf("after create: %+v", info)
	}
	info, err = c.Load(ref, kernel.LoadOptions{}, tables.LinearTable{Length: mib, BackendDevice: disk})
	if err != nil || !info.HasInactiveTable() || info.HasLiveTable() {
		t.Errorf("after load: %+v, %v", info, err)
	}
	info, err = c.Resume(ctx, ref, kernel.ResumeOptions{})
	if err != nil || !info.HasLiveTable() || info.HasInactiveTable() || info.Suspended() || info.TargetsNum != 1 {
		t.Errorf("after resume: %+v, %v", info, err)
	}
	if got := readBlock(t, nodeOf(name), 512); !bytes.Equal(got, bytes.Repeat([]byte{'a'}, 512)) {
		t.Errorf("read %q… through the device", got[:8])
	}
	checkLive(t, c, info, disk)

	info, err = c.Suspend(ctx, ref, kernel.SuspendOptions{})
	if err != nil || !info.Suspended() {
		t.Errorf("after suspend: %+v, %v", info, err)
	}
	if info, err = c.Suspend(ctx, ref, kernel.SuspendOptions{NoFlush: true, SkipLockFS: true}); err != nil || !info.Suspended() {
		t.Errorf("after a second suspend: %+v, %v", info, err)
	}
	if info, err = c.Resume(ctx, ref, kernel.ResumeOptions{}); err != nil || info.Suspended() {
		t.Errorf("after resume: %+v, %v", info, err)
	}
	if info, err = c.Resume(ctx, ref, kernel.ResumeOptions{}); err != nil || info.Suspended() {
		t.Errorf("after a second resume: %+v, %v", info, err)
	}
	deferred, err := c.Remove(ctx, ref, kernel.RemoveOptions{Retry: true})
	if err != nil || deferred {
		t.Errorf("remove: deferred %t, %v", deferred, err)
	}
	if _, err := os.Lstat(nodeOf(name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the node is still there: %v", err)
	}
	if _, err := c.Info(ref, kernel.InfoOptions{}); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("info after remove: %v", err)
	}
}

// checkLive compares what all questions say about a linear device.
func checkLive(t *testing.T, c *kernel.Control, info kernel.Info, disk string) {
	t.Helper()
	for _, ref := range []kernel.Ref{kernel.ByName(info.Name), kernel.ByUUID(info.UUID), kernel.ByDevno(info.DevNo)} {
		got, err := c.Info(ref, kernel.InfoOptions{})
		if err != nil || got.Name != info.Name || got.UUID != info.UUID || got.DevNo != info.DevNo {
			t.Errorf("info of %v: %+v, %v, want %+v", ref, got, err, info)
		}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(nodeOf(info.Name), &st); err != nil || uint64(st.Rdev) != info.DevNo {
		t.Errorf("node: number %#x, %v, want %#x", st.Rdev, err, info.DevNo)
	}
	if err := syscall.Stat(disk, &st); err != nil {
		t.Fatal(err)
	}
	deps, err := c.Deps(kernel.ByName(info.Name), kernel.DepsOptions{})
	if err != nil || !slices.Equal(deps, []uint64{uint64(st.Rdev)}) {
		t.Errorf("deps: %v, %v, want %d", deps, err, st.Rdev)
	}
	status, err := c.Status(kernel.ByName(info.Name), kernel.StatusOptions{})
	want := []tables.Line{{Length: 2048, Target: "linear"}}
	if err != nil || !slices.Equal(status.Lines, want) || status.Info.DevNo != info.DevNo {
		t.Errorf("status: %+v, %v", status, err)
	}
	ts, err := c.Table(kernel.ByUUID(info.UUID), kernel.TableOptions{})
	wantTable := []tables.Table{tables.LinearTable{Length: mib, BackendDevice: kernel.ByDevno(deps[0]).String()}}
	if err != nil || !slices.Equal(ts, wantTable) {
		t.Errorf("table: %v, %v, want %v", ts, err, wantTable)
	}
	list, err := c.List(kernel.ListOptions{UUIDs: true})
	if i := slices.IndexFunc(list, func(e kernel.Entry) bool { return e.Name == info.Name }); err != nil || i < 0 ||
		list[i].UUID != info.UUID || list[i].DevNo != info.DevNo {
		t.Errorf("list: %+v, %v", list, err)
	}
	list, err = c.List(kernel.ListOptions{NamePrefix: info.Name[:len(info.Name)-3], UUIDPrefix: info.UUID[:12]})
	if err != nil || len(list) != 1 || list[0].Name != info.Name {
		t.Errorf("list by prefix: %+v, %v", list, err)
	}
}

// TestLiveReload exchanges tables of a device in use.
func TestLiveReload(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	a, b := filledDisk(t, mib, 'a'), filledDisk(t, mib, 'b')
	name := kerneltest.Name(t, c, "reload")
	ref := kernel.ByName(name)
	first := tables.LinearTable{Length: mib, BackendDevice: a}
	if _, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, first); err != nil {
		t.Fatal(err)
	}
	second := []tables.Table{ // in any order
		tables.ErrorTable{Start: mib, Length: mib},
		tables.LinearTable{Length: mib, BackendDevice: b},
	}
	info, err := c.Reload(ctx, ref, kernel.ReloadOptions{}, second...)
	if err != nil || info.TargetsNum != 2 || info.Suspended() {
		t.Fatalf("reload: %+v, %v", info, err)
	}
	if got := readBlock(t, nodeOf(name), 512); got[0] != 'b' {
		t.Errorf("read %q after the reload", got[0])
	}
	if _, err := c.Reload(ctx, ref, kernel.ReloadOptions{}, tables.LinearTable{Length: 4 * mib, BackendDevice: b}); !errors.Is(err, kernel.ErrInvalid) {
		t.Errorf("reload past the end of the disk: %v", err)
	}
	if info, err = c.Info(ref, kernel.InfoOptions{}); err != nil || info.HasInactiveTable() || info.Suspended() {
		t.Errorf("after a failed reload: %+v, %v", info, err)
	}
	if got := readBlock(t, nodeOf(name), 512); got[0] != 'b' {
		t.Errorf("read %q after the failed reload", got[0])
	}

	if info, err = c.Load(ref, kernel.LoadOptions{ReadOnly: true}, first); err != nil || !info.HasInactiveTable() {
		t.Fatalf("load: %+v, %v", info, err)
	}
	if info, err = c.Info(ref, kernel.InfoOptions{Inactive: true}); err != nil || !info.ReadOnly() || info.TargetsNum != 1 {
		t.Errorf("info of the staged table: %+v, %v", info, err)
	}
	if r, err := c.TableLines(ref, kernel.TableOptions{Inactive: true}); err != nil || len(r.Lines) != 1 {
		t.Errorf("staged table: %+v, %v", r, err)
	}
	if info, err = c.Clear(ref); err != nil || info.HasInactiveTable() {
		t.Errorf("clear: %+v, %v", info, err)
	}
	if _, err = c.Clear(ref); err != nil {
		t.Errorf("second clear: %v", err)
	}
	o := kernel.ReloadOptions{Load: kernel.LoadOptions{ReadOnly: true}}
	if info, err = c.Reload(ctx, ref, o, first); err != nil || !info.ReadOnly() {
		t.Errorf("reload read-only: %+v, %v", info, err)
	}
	sys := fmt.Sprintf("/sys/dev/block/%d:%d/ro", kernel.Major(info.DevNo), kernel.Minor(info.DevNo))
	if ro, err := os.ReadFile(sys); err != nil || string(ro) != "1\n" {
		t.Errorf("%s: %q, %v", sys, ro, err)
	}
}

// TestLiveRename renames, and gives a UUID, by each way to select a device.
func TestLiveRename(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	name, other := kerneltest.Name(t, c, "old"), kerneltest.Name(t, c, "new")
	info, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib})
	if err != nil {
		t.Fatal(err)
	}
	uuid := "DMIMGTEST-" + other
	if _, err := c.SetUUID(ctx, kernel.ByDevno(info.DevNo), uuid, kernel.UdevOptions{}); err != nil {
		t.Errorf("set UUID: %v", err)
	}
	if _, err := c.SetUUID(ctx, kernel.ByName(name), uuid+"x", kernel.UdevOptions{}); !errors.Is(err, kernel.ErrInvalid) {
		t.Errorf("set another UUID: %v", err)
	}
	got, err := c.Rename(ctx, kernel.ByUUID(uuid), other, kernel.UdevOptions{})
	if err != nil || got.Name != other || got.DevNo != info.DevNo {
		t.Errorf("rename: %+v, %v", got, err)
	}
	if _, err := os.Stat(nodeOf(other)); err != nil {
		t.Errorf("the new node: %v", err)
	}
	if _, err := os.Lstat(nodeOf(name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old node: %v", err)
	}
	third := kerneltest.Name(t, c, "third")
	if _, err := c.CreateAndLoad(ctx, third, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rename(ctx, kernel.ByName(third), other, kernel.UdevOptions{}); !errors.Is(err, kernel.ErrExists) {
		t.Errorf("rename to a name that is taken: %v", err)
	}
	if _, err := c.SetUUID(ctx, kernel.ByName(third), uuid, kernel.UdevOptions{}); !errors.Is(err, kernel.ErrExists) {
		t.Errorf("a UUID that is taken: %v", err)
	}
}

// TestLiveNames uses names that udev does not like.
func TestLiveNames(t *testing.T) {
	c := requireRoot(t)
	ctx := context.Background()
	plain := kerneltest.Name(t, c, "plain")
	name := "a b\xffä\\" + plain
	t.Cleanup(func() { kerneltest.Remove(t, c, name) })
	if _, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
	mangled := `a\x20b\xff\xc3\xa4\x5c` + plain
	if _, err := os.Stat(nodeOf(mangled)); err != nil {
		t.Errorf("the node: %v", err)
	}
	list, err := c.List(kernel.ListOptions{NamePrefix: "a b"})
	if err != nil || len(list) != 1 || list[0].Name != name {
		t.Errorf("list: %+v, %v", list, err)
	}
	if info, err := c.Info(kernel.ByName(mangled), kernel.InfoOptions{}); err != nil || info.Name != name {
		t.Errorf("info by the mangled name: %+v, %v", info, err)
	}
	raw := kerneltest.RequireWith(t, kernel.Options{Mangling: kernel.MangleNone})
	if info, err := raw.Info(kernel.ByName(mangled), kernel.InfoOptions{}); err != nil || info.Name != mangled {
		t.Errorf("info without mangling: %+v, %v", info, err)
	}
	longest := strings.Repeat("n", 127-len(plain)) + plain
	t.Cleanup(func() { kerneltest.Remove(t, c, longest) })
	if _, err := c.CreateAndLoad(ctx, longest, kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: strings.Repeat("u", 128)}}, tables.ZeroTable{Length: mib}); err != nil {
		t.Errorf("a name of 127 and a UUID of 128 bytes: %v", err)
	}
}

// TestLiveSeed goes through the verbs of the well-known API.
func TestLiveSeed(t *testing.T) {
	c := requireRoot(t)
	name, other := kerneltest.Name(t, c, "seed"), kerneltest.Name(t, c, "seed2")
	major, minor, _, err := kernel.GetVersion()
	if err != nil || major != 4 || minor < 40 {
		t.Errorf("version %d.%d, %v", major, minor, err)
	}
	zero := tables.ZeroTable{Length: mib}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"create", func() error { return kernel.Create(name, "") }},
		{"set UUID", func() error { return kernel.SetUUID(name, "DMIMGTEST-"+name) }},
		{"load", func() error { return kernel.Load(name, kernel.ReadOnlyFlag, zero) }},
		{"resume", func() error { return kernel.Resume(name) }},
		{"suspend", func() error { return kernel.Suspend(name) }},
		{"resume again", func() error { return kernel.Resume(name) }},
		{"message", func() error { return kernel.Message(name, 0, "@stats_clear_none") }},
		{"rename", func() error { return kernel.Rename(name, other) }},
		{"remove", func() error { return kernel.Remove(other) }},
		{"create and load", func() error {
			return kernel.CreateAndLoad(name, "", 0, zero, tables.ErrorTable{Start: mib, Length: mib})
		}},
	} {
		err := step.do()
		if step.what == "message" {
			if !errors.Is(err, kernel.ErrInvalid) {
				t.Errorf("a message that nobody knows: %v", err)
			}
		} else if err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
	}
	info, err := kernel.InfoByName(name)
	if err != nil || info.Name != name || info.TargetsNum != 2 {
		t.Fatalf("info: %+v, %v", info, err)
	}
	if by, err := kernel.InfoByDevno(info.DevNo); err != nil || *by != *info {
		t.Errorf("info by number: %+v, %v, want %+v", by, err, info)
	}
	list, err := kernel.List()
	if err != nil || !slices.Contains(list, kernel.ListItem{DevNo: info.DevNo, Name: name}) {
		t.Errorf("list: %+v, %v", list, err)
	}
	if err := kernel.Remove(name); err != nil {
		t.Errorf("remove: %v", err)
	}
}

// TestLiveNoControlNode opens a control device whose node is missing.
func TestLiveNoControlNode(t *testing.T) {
	requireRoot(t)
	dir := filepath.Join(t.TempDir(), "new")
	c, err := kernel.Open(kernel.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.List(kernel.ListOptions{}); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(filepath.Join(dir, "control")); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("the node: %v, %v", st, err)
	}
}
