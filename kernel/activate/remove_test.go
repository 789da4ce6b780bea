package activate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// zeros makes a device.
func (f *fake) zeros(t *testing.T, name string) {
	t.Helper()
	if _, err := f.control.CreateAndLoad(t.Context(), name, kernel.ActivateOptions{}, tables.ZeroTable{Length: mib}); err != nil {
		t.Fatal(err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	f.zeros(t, "data")
	if got, err := f.Remove(t.Context(), "data", activate.RemoveOptions{}); err != nil || got != activate.Removed {
		t.Errorf("got %v, %v", got, err)
	}
	f.expectDevices(t)
	if _, err := f.Remove(t.Context(), "data", activate.RemoveOptions{}); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if got, err := f.Remove(t.Context(), "data", activate.RemoveOptions{MissingOK: true}); err != nil || got != activate.Missing {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestRemoveWaits has a device that is in use for the first attempts.
func TestRemoveWaits(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	f.zeros(t, "data")
	release := f.kernel.Hold("data")
	f.kernel.Inject(kerneltest.Fault{Call: "remove", Skip: 3, Do: release})
	if got, err := f.Remove(t.Context(), "data", activate.RemoveOptions{}); err != nil || got != activate.Removed {
		t.Errorf("got %v, %v", got, err)
	}
	f.expectDevices(t)
}

func TestRemoveGivesUp(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	if err := os.Mkdir(filepath.Join(proc, "self"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"self/mountinfo": "22 1 253:0 / /mnt\\040x rw,relatime shared:1 - ext4 /dev/mapper/data rw\n23 1 253:1 / /other rw - ext4 x rw\nshort 1 253:0\n",
		"swaps":          "Filename\tType\n/nodes/data partition 1 0 -2\n",
	} {
		if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := newFake(t, activate.Options{ProcDir: proc, Dir: "/nodes"})
	f.zeros(t, "data")
	info, err := f.control.Info(kernel.ByName("data"), kernel.InfoOptions{})
	if err != nil || kernel.Minor(info.DevNo) != 0 {
		t.Fatal(info, err)
	}
	over := tables.LinearTable{Length: mib, BackendDevice: kernel.ByDevno(info.DevNo).String()}
	if _, err := f.control.CreateAndLoad(t.Context(), "top", kernel.ActivateOptions{}, over); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.kernel.Inject(kerneltest.Fault{Call: "remove", Skip: 2, Do: cancel})
	_, err = f.Remove(ctx, "data", activate.RemoveOptions{})
	var busy *activate.BusyError
	want := []string{"device top", "mounted on /mnt\\040x", "used for swapping"}
	if !errors.As(err, &busy) || !isAll(err, kernel.ErrBusy, context.Canceled) || !slices.Equal(busy.Users, want) || !strings.Contains(err.Error(), "device top, mounted") {
		t.Fatalf("got %v, want %q", err, want)
	}
	f.expectDevices(t, "data", "top")
	if _, err := f.Remove(ctx, "top", activate.RemoveOptions{}); err != nil { // one attempt is made all the same
		t.Error(err)
	}
	f.expectDevices(t, "data")
}

func TestRemoveDeferred(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	f.zeros(t, "data")
	release := f.kernel.Hold("data")
	for range 2 {
		if got, err := f.Remove(t.Context(), "data", activate.RemoveOptions{Deferred: true}); err != nil || got != activate.Deferred {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	if err := f.CancelRemoval("data"); err != nil {
		t.Error(err)
	}
	info, err := f.control.Info(kernel.ByName("data"), kernel.InfoOptions{})
	if err != nil || info.DeferredRemove() {
		t.Errorf("info %+v, %v", info, err)
	}
	if _, err := f.Remove(t.Context(), "data", activate.RemoveOptions{Deferred: true}); err != nil {
		t.Error(err)
	}
	release()
	f.expectDevices(t)
	if err := f.control.MakeNodes(kernel.Ref{}, kernel.NodeOptions{}); err != nil { // nobody removes the node of a device that goes later
		t.Error(err)
	}
	if err := f.CancelRemoval("data"); !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestRemoveFails passes other errors on at once.
func TestRemoveFails(t *testing.T) {
	t.Parallel()
	f := newFake(t, activate.Options{})
	f.zeros(t, "data")
	f.kernel.Inject(kerneltest.Fault{Call: "remove", Err: syscall.EPERM})
	if _, err := f.Remove(t.Context(), "data", activate.RemoveOptions{}); !errors.Is(err, kernel.ErrPermission) {
		t.Errorf("got %v", err)
	}
	f.expectDevices(t, "data")
}
