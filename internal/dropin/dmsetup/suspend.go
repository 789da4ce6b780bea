package dmsetup

import (
	"github.com/dmimg/dmimg/kernel"
)

// suspend holds back the requests to a device.
func (t *tool) suspend(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	o := kernel.SuspendOptions{NoFlush: t.has("noflush"), SkipLockFS: t.has("nolockfs")}
	if _, err := c.Suspend(t.ctx, d.ref, o); err != nil {
		return ioctlError("suspend", d, err)
	}
	return t.ifVerbose(d)
}

// resume lets requests through again, to the staged table if there is one.
func (t *tool) resume(d device) error {
	if err := t.resumeDevice(d); err != nil {
		return err
	}
	return t.ifVerbose(d)
}

func (t *tool) resumeDevice(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	udev, err := t.udevOptions()
	if err != nil {
		return err
	}
	info, err := c.Resume(t.ctx, d.ref, kernel.ResumeOptions{
		NoFlush: t.has("noflush"), SkipLockFS: t.has("nolockfs"), Node: t.nodeOptions(), Udev: udev.options,
	})
	if err != nil {
		return ioctlError("resume", d, err)
	}
	if err := udev.done(); err != nil {
		return failf("Releasing the cookie: %w", err)
	}
	if t.has("readahead") {
		return t.setReadAhead(info.DevNo, t.values["readahead"])
	}
	return nil
}
