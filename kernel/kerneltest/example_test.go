package kerneltest_test

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// attach is a function of a program that uses package kernel.
func attach(ctx context.Context, c *kernel.Control, name, disk string) error {
	_, err := c.CreateAndLoad(ctx, name, kernel.ActivateOptions{}, tables.LinearTable{Length: 1 << 20, BackendDevice: disk})
	return err
}

// TestAttach is how a program's own test looks: no root, no kernel, and failures to order.
func TestAttach(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce})
	k.AddDisk("/dev/sda", 1<<20)
	c := k.Open(kernel.Options{})
	k.Inject(kerneltest.Fault{Call: "resume", Err: syscall.ENOMEM})
	if err := attach(context.Background(), c, "data", "/dev/sda"); !errors.Is(err, syscall.ENOMEM) || len(k.Devices()) != 0 {
		t.Errorf("%v, left %v", err, k.Devices())
	}
	if err := attach(context.Background(), c, "data", "/dev/sda"); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Nodes()["data"]; !ok {
		t.Errorf("nodes: %v", k.Nodes())
	}
	release := k.Hold("data")
	if err := k.Open(kernel.Options{}).RemoveAll(context.Background(), kernel.RemoveAllOptions{}); err != nil || len(k.Devices()) != 1 {
		t.Errorf("%v, left %v", err, k.Devices())
	}
	release()
}
