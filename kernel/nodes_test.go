package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// TestNodes meets what may stand where a node should be.
func TestNodes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	other := kernel.Mkdev(253, 77)
	for name, e := range map[string]struct {
		before kerneltest.Node
		none   bool
		fails  bool
	}{
		"nothing":       {none: true},
		"old node":      {before: kerneltest.Node{Devno: other}},
		"dangling link": {before: kerneltest.Node{Devno: other, Link: true}},
		"the node":      {before: kerneltest.Node{Devno: kernel.Mkdev(253, 0)}},
		"a file":        {before: kerneltest.Node{}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, c := newFake(t, kerneltest.Options{Tolerant: e.fails}, kernel.Options{})
			if !e.none {
				k.AddNode("data", e.before)
			}
			o := kernel.ActivateOptions{Resume: kernel.ResumeOptions{Node: kernel.NodeOptions{Mode: 0o640, UID: 1, GID: 6}}}
			info, err := c.CreateAndLoad(ctx, "data", o, linear(disk))
			if e.fails {
				if !errors.Is(err, syscall.ENOTBLK) || len(k.Devices()) != 0 || len(k.Nodes()) != 1 {
					t.Errorf("%v, left %v, %v", err, k.Devices(), k.Nodes())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := kerneltest.Node{Devno: info.DevNo, Mode: 0o640, UID: 1, GID: 6}
			if name == "the node" {
				want = e.before
			}
			if got := k.Nodes()["data"]; got != want {
				t.Errorf("node %+v, want %+v", got, want)
			}
			remove(t, c, "data")
		})
	}
}

// TestNodesFail makes the calls for nodes fail.
func TestNodesFail(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	for _, call := range []string{"mknod", "stat"} {
		k.Inject(kerneltest.Fault{Call: call, Err: syscall.EROFS})
		if _, err := c.CreateAndLoad(ctx, "data", kernel.ActivateOptions{}, linear(disk)); !errors.Is(err, syscall.EROFS) || len(k.Devices()) != 0 {
			t.Errorf("%s: %v, left %v", call, err, k.Devices())
		}
	}
	k.Inject(kerneltest.Fault{Call: "mknod", Err: syscall.EEXIST}) // udev was faster
	activate(t, c, "data")
	k.Inject(kerneltest.Fault{Call: "unlink", Err: syscall.EROFS})
	if _, err := c.Remove(ctx, kernel.ByName("data"), kernel.RemoveOptions{}); !errors.Is(err, syscall.EROFS) || len(k.Devices()) != 0 {
		t.Errorf("remove: %v, left %v", err, k.Devices())
	}
	if err := c.MakeNodes(kernel.ByName("data"), kernel.NodeOptions{}); err != nil || len(k.Nodes()) != 0 {
		t.Errorf("make nodes: %v, left %v", err, k.Nodes())
	}
}

// TestRemoveLeavesTheNextOne removes a device whose name is taken again before its event
// is done: the node of the new one stays.
func TestRemoveLeavesTheNextOne(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce}, kernel.Options{})
	activate(t, c, "data")
	other := k.Open(kernel.Options{})
	k.Inject(kerneltest.Fault{Call: "semwait", Do: func() { activate(t, other, "data") }})
	remove(t, c, "data")
	if _, ok := k.Nodes()["data"]; !ok || len(k.Devices()) != 1 {
		t.Errorf("nodes %v, devices %v", k.Nodes(), k.Devices())
	}
}

// TestMakeNodes repairs a folder of nodes.
func TestMakeNodes(t *testing.T) {
	t.Parallel()
	k, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	info := activate(t, c, "data")
	if _, err := c.Create("bare", kernel.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := k.RemoveNode("/dev/mapper/data"); err != nil {
		t.Fatal(err)
	}
	k.AddNode("gone", kerneltest.Node{Devno: kernel.Mkdev(253, 9)})
	k.AddNode("link", kerneltest.Node{Devno: kernel.Mkdev(253, 10), Link: true})
	k.AddNode("file", kerneltest.Node{})
	if err := c.MakeNodes(kernel.ByName("data"), kernel.NodeOptions{Mode: 0o640, GID: 6}); err != nil {
		t.Error(err)
	}
	if n := k.Nodes(); len(n) != 4 || n["data"].Devno != info.DevNo || n["data"].GID != 6 {
		t.Errorf("nodes: %v", n)
	}
	if err := errors.Join(c.MakeNodes(kernel.ByName("gone"), kernel.NodeOptions{}), c.MakeNodes(kernel.ByUUID("gone"), kernel.NodeOptions{})); err != nil {
		t.Error(err)
	}
	if err := c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil {
		t.Error(err)
	}
	n := k.Nodes()
	if _, ok := n["file"]; !ok || len(n) != 2 || n["data"].Mode != 0o640 {
		t.Errorf("nodes: %v", n)
	}
	if err := k.RemoveNode("/dev/mapper/file"); err != nil {
		t.Fatal(err)
	}
}

// TestRename moves nodes, with each way to name the device.
func TestRename(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, udev := range []kerneltest.Udev{kerneltest.NoUdev, kerneltest.UdevAtOnce} {
		k, c := newFake(t, kerneltest.Options{Udev: udev}, kernel.Options{})
		info, err := c.CreateAndLoad(ctx, "a b", kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: "u u"}}, linear(disk))
		if err != nil || info.Name != "a b" || info.UUID != "u u" {
			t.Fatalf("%+v, %v", info, err)
		}
		for i, ref := range []kernel.Ref{kernel.ByName("a b"), kernel.ByUUID("u u"), kernel.ByDevno(info.DevNo)} {
			name := fmt.Sprint("new ", i)
			got, err := c.Rename(ctx, ref, name, kernel.UdevOptions{})
			if err != nil || got.Name != name || got.UUID != "u u" || got.DevNo != info.DevNo {
				t.Errorf("rename %v: %+v, %v", ref, got, err)
			}
			if n := k.Nodes(); len(n) != 1 || n[strings.ReplaceAll(name, " ", `\x20`)].Devno != info.DevNo {
				t.Errorf("nodes: %v", n)
			}
		}
		if _, err := c.Rename(ctx, kernel.ByUUID("nothing"), "x", kernel.UdevOptions{}); !errors.Is(err, kernel.ErrNotFound) {
			t.Errorf("rename of nothing: %v", err)
		}
		if _, err := c.SetUUID(ctx, kernel.ByName("new 2"), "v", kernel.UdevOptions{}); !errors.Is(err, kernel.ErrInvalid) {
			t.Errorf("another UUID: %v", err)
		}
		activate(t, c, "second")
		if got, err := c.SetUUID(ctx, kernel.ByName("second"), "v v", kernel.UdevOptions{}); err != nil || got.UUID != "v v" || got.Name != "second" {
			t.Errorf("set UUID: %+v, %v", got, err)
		}
		if _, err := c.Rename(ctx, kernel.ByName("second"), "new 2", kernel.UdevOptions{}); !errors.Is(err, kernel.ErrExists) {
			t.Errorf("a name that is taken: %v", err)
		}
		if err := c.RemoveAll(ctx, kernel.RemoveAllOptions{}); err != nil || len(k.Nodes()) != 0 && udev == kerneltest.NoUdev {
			t.Errorf("remove all: %v, %v", err, k.Nodes())
		}
	}
}
