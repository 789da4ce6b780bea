package kernel

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// SuspendOptions of [Control.Suspend].
type SuspendOptions struct {
	NoFlush    bool // leave queued I/O queued (multipath, thin, request-based targets)
	SkipLockFS bool // do not freeze a file system on the device
}

func suspendFlags(noFlush, skipLockFS bool) uint32 {
	return flagIf(noFlush, dmioctl.FlagNoFlush) | flagIf(skipLockFS, dmioctl.FlagSkipLockFS)
}

// Suspend waits for the I/O in flight and holds back what comes later. It does nothing
// when the device is suspended already. While a device is suspended, do not touch it, nor
// anything that may lie on it: such an access waits for the resume.
//
// When the context ends before the I/O, the device is resumed as soon as the kernel has
// suspended it. Calls about the device may have to wait for that.
func (c *Control) Suspend(ctx context.Context, ref Ref, o SuspendOptions) (Info, error) {
	return c.suspend(ctx, ref, o, func() { c.resumeLater(ref) })
}

// suspend is Suspend; undo runs when the kernel has suspended a device that nobody waits for.
func (c *Control) suspend(ctx context.Context, ref Ref, o SuspendOptions, undo func()) (Info, error) {
	k := call{op: "suspend", command: dmioctl.CmdSuspend, ref: ref}
	k.header.Flags = dmioctl.FlagSuspend | suspendFlags(o.NoFlush, o.SkipLockFS)
	h, err := c.abandonable(ctx, k, nil, undo)
	return c.infoOf(h), err
}

// resumeLater resumes a device after a suspend that was given up. There is nobody to tell of
// a failure, and the control device may be closed for others.
func (c *Control) resumeLater(ref Ref) {
	k := call{command: dmioctl.CmdSuspend, ref: ref}
	k.header.EventNr = c.eventFlags(0)
	if c.prepare(&k) == nil {
		_, _ = c.rounds(k, nil)
	}
}

// ResumeOptions of [Control.Resume].
type ResumeOptions struct {
	NoFlush    bool // as for Suspend: a resume with a staged table suspends first
	SkipLockFS bool
	Node       NodeOptions
	Udev       UdevOptions
}

// NodeOptions say how a device node is made where udev does not make it. The zero value
// is mode 0600, owned by root.
type NodeOptions struct {
	Mode     fs.FileMode // permission bits; 0: 0600
	UID, GID int
}

// Resume makes the staged table live, if there is one, and lets I/O through. It waits
// until udev has made the node, and makes it where udev does not. On a running device
// without a staged table it does nothing, nor on a new device without any.
//
// When the kernel cannot make the staged table live, that table is gone and the device is
// suspended with the one it had. When the context ends first, the kernel goes on: the table
// may become live later.
func (c *Control) Resume(ctx context.Context, ref Ref, o ResumeOptions) (Info, error) {
	k := call{op: "resume", command: dmioctl.CmdSuspend, ref: ref, steady: true}
	k.header.Flags = suspendFlags(o.NoFlush, o.SkipLockFS)
	h, err := c.withUdev(ctx, o.Udev, k, func(k call) (dmioctl.Header, node, error) {
		h, err := c.resumeOnce(ctx, k)
		if h.Flags&dmioctl.FlagActivePresent == 0 { // without a table there is nothing to make a node of
			return h, node{}, err
		}
		return h, node{make: h.Name, devno: h.Dev, options: o.Node}, err
	})
	return c.infoOf(h), err
}

// resumeOnce issues a resume, again when a signal interrupted it and nothing was lost. A
// resume that an older kernel interrupted may have dropped the staged table; resuming once more would then go
// on with the old one as if all were well.
func (c *Control) resumeOnce(ctx context.Context, k call) (dmioctl.Header, error) {
	for {
		h, err := c.abandonable(ctx, k, nil, nil)
		if !errors.Is(err, syscall.EINTR) {
			return h, err
		}
		state, serr := c.Info(k.ref, InfoOptions{})
		if serr != nil || !state.HasInactiveTable() {
			return h, err
		}
	}
}
