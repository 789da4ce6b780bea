package dmsetup

import (
	"github.com/dmimg/dmimg/kernel"
)

// remove removes a device. With --force one that is in use is made to fail all requests
// first, so that its users let it go.
func (t *tool) remove(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	if t.has("force") {
		if err := t.failAll(d); err != nil {
			return err
		}
	}
	udev, err := t.udevOptions()
	if err != nil {
		return err
	}
	o := kernel.RemoveOptions{Deferred: t.has("deferred"), Retry: t.has("retry"), Udev: udev.options}
	if _, err := c.Remove(t.ctx, d.ref, o); err != nil {
		return ioctlError("remove", d, err)
	}
	return udev.done()
}

// removeAll removes every device that is not in use.
func (t *tool) removeAll([]string) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	if t.has("force") {
		entries, err := c.List(kernel.ListOptions{})
		if err != nil {
			return ioctlError("list", device{}, err)
		}
		for _, e := range entries {
			d := device{ref: kernel.ByName(e.Name), name: e.Name}
			if err := t.failAll(d); err != nil {
				t.sayf("%v", err)
			}
		}
	}
	if err := c.RemoveAll(t.ctx, kernel.RemoveAllOptions{Deferred: t.has("deferred")}); err != nil {
		return ioctlError("remove_all", device{}, err)
	}
	if err := c.MakeNodes(kernel.Ref{}, t.nodeOptions()); err != nil {
		return failf("Setting the nodes right: %w", err)
	}
	return nil
}
