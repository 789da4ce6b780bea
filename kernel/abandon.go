package kernel

import (
	"context"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// A command that waits in the kernel - for I/O in flight or for an event - cannot be ended
// from a Go program: the kernel begins it anew after a signal whose handler has SA_RESTART,
// as all handlers of Go's runtime do (Linux 6.11 and its stable relatives; before, a suspend
// ended with EINTR). So when the context ends the caller is let go, and the command is left
// to a goroutine and a thread until the kernel is done with it.

// abandonable is do for commands that wait in the kernel. A command that the caller no longer
// waits for is followed by after, which may be nil, if it succeeds in the end.
func (c *Control) abandonable(ctx context.Context, k call, read func(reply) error, after func()) (dmioctl.Header, error) {
	if ctx.Done() == nil {
		return c.do(ctx, k, read)
	}
	err := c.prepare(&k)
	if err != nil {
		return dmioctl.Header{}, c.explain(k, err)
	}
	ctx, leave, err := c.enterWait(ctx)
	if err != nil {
		return dmioctl.Header{}, c.explain(k, err)
	}
	defer leave()
	type result struct {
		h   dmioctl.Header
		err error
	}
	c.hold()
	done, abandoned := make(chan result), make(chan struct{})
	go func() {
		h, err := c.rounds(k, read)
		select {
		case done <- result{h, err}:
		case <-abandoned:
			if err == nil && after != nil {
				after()
			}
			_ = c.unhold() // nobody is left to be told
		}
	}()
	select {
	case r := <-done:
		_ = c.unhold() // before the caller can Close, which then is the last
		if r.err != nil {
			return r.h, c.explain(k, r.err)
		}
		return r.h, nil
	case <-ctx.Done():
		close(abandoned)
		return dmioctl.Header{}, c.explain(k, c.whyEnded(ctx))
	}
}
