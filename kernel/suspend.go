package kernel

import (
	"context"
	"io/fs"
)

// SuspendOptions of [Control.Suspend].
type SuspendOptions struct {
	NoFlush    bool // leave queued I/O queued (multipath, thin, request-based targets)
	SkipLockFS bool // do not freeze a file system on the device
}

// Suspend waits for the I/O in flight and holds back what comes later. It does nothing
// when the device is suspended already. While a device is suspended, do not touch it, nor
// anything that may lie on it: such an access waits for the resume.
func (c *Control) Suspend(ctx context.Context, ref Ref, o SuspendOptions) (Info, error) {
	return Info{}, &Error{Op: "suspend", Name: ref.String(), Err: ErrNotSupported}
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
// without a staged table it does nothing.
func (c *Control) Resume(ctx context.Context, ref Ref, o ResumeOptions) (Info, error) {
	return Info{}, &Error{Op: "resume", Name: ref.String(), Err: ErrNotSupported}
}
