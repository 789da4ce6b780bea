package kernel

import (
	"context"
	"errors"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// WaitOptions of [Control.Wait].
type WaitOptions struct {
	Table    bool // lines are the table instead of the status
	Inactive bool // of the staged table
	NoFlush  bool
}

// Wait blocks until the device's event counter differs from eventNr, as Info or List gave
// it, or until the context ends. ErrNotFound when the device is removed meanwhile.
//
// It polls a control device of its own. Before interface version 4.36 there is no poll; the
// kernel's command for this is used then, which goes on until there is an event, and keeps
// the device from being removed, even when Wait has returned.
func (c *Control) Wait(ctx context.Context, ref Ref, eventNr uint32, o WaitOptions) (Report, error) {
	r, err := c.wait(ctx, ref, eventNr, o)
	if err != nil {
		return Report{}, wrap("wait", ref.String(), nil, err)
	}
	return r, nil
}

func (c *Control) wait(ctx context.Context, ref Ref, eventNr uint32, o WaitOptions) (Report, error) {
	k := call{op: "wait", command: dmioctl.CmdStatus, ref: ref, secret: o.Table}
	k.header.Flags = flagIf(o.Table, dmioctl.FlagStatusTable) | statusFlags(o.Inactive, o.NoFlush)
	if c.need(dmioctl.CmdArmPoll.Minor(), "poll") != nil {
		k.command, k.header.EventNr = dmioctl.CmdWait, eventNr
		return c.report(ctx, k)
	}
	ctx, leave, err := c.enterWait(ctx)
	if err != nil {
		return Report{}, err
	}
	defer leave()
	own, err := Open(c.options)
	if err != nil {
		return Report{}, err
	}
	r, err := own.pollDevice(ctx, k, eventNr)
	if isEnd(err) {
		err = c.whyEnded(ctx)
	}
	return r, errors.Join(err, own.Close())
}

// pollDevice looks at a device after each event of any device.
func (c *Control) pollDevice(ctx context.Context, k call, eventNr uint32) (Report, error) {
	for {
		if err := c.ArmPoll(); err != nil {
			return Report{}, err
		}
		info, err := c.info(ctx, call{op: "wait", command: dmioctl.CmdInfo, ref: k.ref})
		if err != nil {
			return Report{}, err
		}
		if info.EventNr != eventNr {
			return c.report(ctx, k)
		}
		if err := c.Poll(ctx); err != nil {
			return Report{}, err
		}
	}
}
