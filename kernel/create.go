package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// CreateOptions of [Control.Create].
type CreateOptions struct {
	UUID  string  // "": none
	Minor *uint32 // nil: the kernel chooses; below 2^20
}

// maxMinor is the kernel's limit of minor numbers.
const maxMinor = 1 << 20

// Create creates a device without a table. Since Linux 5.15 it has no node and no
// place in /sys/block before the first [Control.Load].
func (c *Control) Create(name string, o CreateOptions) (Info, error) {
	return c.create(context.Background(), name, o)
}

func (c *Control) create(ctx context.Context, name string, o CreateOptions) (Info, error) {
	k := call{command: dmioctl.CmdCreate, ref: Ref{by: byKernelName, text: name}}
	h, err := c.createHeader(name, o)
	if err != nil {
		return Info{}, wrap("create", name, nil, err)
	}
	k.header = h
	return c.info(ctx, k)
}

func (c *Control) createHeader(name string, o CreateOptions) (h dmioctl.Header, err error) {
	if h.Name, err = c.kernelName(name); err != nil {
		return h, err
	}
	if o.UUID != "" {
		if h.UUID, err = c.kernelUUID(o.UUID); err != nil {
			return h, err
		}
	}
	if o.Minor != nil {
		if *o.Minor >= maxMinor {
			return h, fmt.Errorf("%w: minor number %d is not below %d", ErrInvalid, *o.Minor, maxMinor)
		}
		h.Flags = dmioctl.FlagPersistentDev
		h.Dev = dmioctl.Mkdev(0, *o.Minor)
	}
	return h, nil
}

// ActivateOptions of [Control.CreateAndLoad].
type ActivateOptions struct {
	Create CreateOptions
	Load   LoadOptions
	Resume ResumeOptions
}

// CreateAndLoad creates a device, loads its tables and makes them live. When it
// returns without error the node is there and udev has finished with it. When a step
// fails, or the context ends, the device is removed again; a failure of that is joined
// to the error.
func (c *Control) CreateAndLoad(ctx context.Context, name string, o ActivateOptions, ts ...Table) (Info, error) {
	specs, err := specsOf(o.Load, ts) // before anything exists
	if err != nil {
		return Info{}, wrap("load", name, nil, err)
	}
	if _, err := c.create(ctx, name, o.Create); err != nil {
		return Info{}, err
	}
	if _, err = c.load(ctx, ByName(name), o.Load, specs); err == nil {
		var info Info
		if info, err = c.Resume(ctx, ByName(name), o.Resume); err == nil {
			return info, nil
		}
	}
	undo := RemoveOptions{Retry: true, Udev: UdevOptions{Flags: o.Resume.Udev.Flags}}
	if errors.Is(err, ErrUdevTimeout) || ctx.Err() != nil {
		undo.Udev.Cookie = &Cookie{control: c} // udev has had its time
	}
	_, rerr := c.Remove(context.WithoutCancel(ctx), ByName(name), undo)
	if errors.Is(rerr, ErrNotFound) { // somebody else removed it
		rerr = nil
	}
	return Info{}, errors.Join(err, rerr)
}
