package kernel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// RemoveOptions of [Control.Remove].
type RemoveOptions struct {
	Deferred bool // an open device goes when it is closed for the last time
	Retry    bool // while it is busy try again, 25 times every 200 ms, as libdm does
	Udev     UdevOptions
}

// Attempts to remove a busy device (libdm's numbers).
const (
	removeAttempts = 25
	removeDelay    = 200 * time.Millisecond
)

// Remove removes a device and its node. It is ErrBusy while the device is open. deferred
// tells that it was open and goes later; the message @cancel_deferred_remove cancels that.
func (c *Control) Remove(ctx context.Context, ref Ref, o RemoveOptions) (deferred bool, err error) {
	k := call{command: dmioctl.CmdRemove, ref: ref}
	if o.Deferred {
		if err := c.need(minorDeferredRemove, "deferred removal"); err != nil {
			return false, wrap("remove", ref.String(), nil, err)
		}
		k.header.Flags = dmioctl.FlagDeferredRemove
	}
	attempts := 1
	if o.Retry {
		attempts = removeAttempts
	}
	h, err := c.withUdev(ctx, o.Udev, k, func(k call) (dmioctl.Header, node, error) {
		h, err := c.removeUntilFree(ctx, k, attempts)
		if err != nil || h.Flags&dmioctl.FlagDeferredRemove != 0 {
			return h, node{}, err
		}
		return h, node{remove: h.Name}, nil
	})
	return h.Flags&dmioctl.FlagDeferredRemove != 0, err
}

func (c *Control) removeUntilFree(ctx context.Context, k call, attempts int) (dmioctl.Header, error) {
	for made := 1; ; made++ {
		h, err := c.do(ctx, k, nil)
		if !errors.Is(err, ErrBusy) || made == attempts {
			if made > 1 && isEnd(err) {
				err = k.stillBusy(ctx.Err())
			}
			return h, err
		}
		if serr := c.sleep(ctx, removeDelay); serr != nil {
			return h, k.stillBusy(serr)
		}
	}
}

// stillBusy is the error of a removal whose attempts were ended.
func (k call) stillBusy(why error) error {
	return wrap(k.command.String(), k.name(), nil, fmt.Errorf("%w: %w", ErrBusy, why))
}

// sleep waits, unless the context or the control device end before.
func (c *Control) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.life.Done():
		return c.whyEnded(ctx)
	}
}

// RemoveAllOptions of [Control.RemoveAll].
type RemoveAllOptions struct {
	Deferred bool // mark open devices: they go when they are closed for the last time
}

// RemoveAll removes every device of the machine that is not open, whoever made it. Open
// ones are left, without error. It does not wait for udev; where there is none it removes
// the nodes.
func (c *Control) RemoveAll(ctx context.Context, o RemoveAllOptions) error {
	k := call{command: dmioctl.CmdRemoveAll}
	if o.Deferred {
		if err := c.need(minorDeferredRemove, "deferred removal"); err != nil {
			return wrap("remove-all", "", nil, err)
		}
		k.header.Flags = dmioctl.FlagDeferredRemove
	}
	k.header.EventNr = c.eventFlags(0)
	if _, err := c.do(ctx, k, nil); err != nil {
		return err
	}
	if c.udevWorks() {
		return nil
	}
	return c.MakeNodes(Ref{}, NodeOptions{})
}
