package kernel

import "context"

// RemoveOptions of [Control.Remove].
type RemoveOptions struct {
	Deferred bool // an open device goes when it is closed for the last time
	Retry    bool // while it is busy try again, 25 times every 200 ms, as libdm does
	Udev     UdevOptions
}

// Remove removes a device and its node. It is ErrBusy while the device is open. deferred
// tells that it was open and goes later; the message @cancel_deferred_remove cancels that.
func (c *Control) Remove(ctx context.Context, ref Ref, o RemoveOptions) (deferred bool, err error) {
	return false, &Error{Op: "remove", Name: ref.String(), Err: ErrNotSupported}
}

// RemoveAllOptions of [Control.RemoveAll].
type RemoveAllOptions struct {
	Deferred bool // mark open devices: they go when they are closed for the last time
}

// RemoveAll removes every device of the machine that is not open, whoever made it. Open
// ones are left, without error.
func (c *Control) RemoveAll(ctx context.Context, o RemoveAllOptions) error {
	return &Error{Op: "remove-all", Err: ErrNotSupported}
}
