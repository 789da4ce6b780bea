package kernel

import (
	"context"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// Rename gives a device another name, and renames its node. ErrExists when the name is
// taken.
func (c *Control) Rename(ctx context.Context, ref Ref, name string, o UdevOptions) (Info, error) {
	newName, err := c.kernelName(name)
	if err != nil {
		return Info{}, wrap("rename", ref.String(), nil, err)
	}
	return c.rename(ctx, ref, call{op: "rename"}, newName, o)
}

// SetUUID gives a UUID to a device that has none; ErrInvalid if it has one, ErrExists when
// another device has it.
func (c *Control) SetUUID(ctx context.Context, ref Ref, uuid string, o UdevOptions) (Info, error) {
	newUUID, err := c.kernelUUID(uuid)
	if err != nil {
		return Info{}, wrap("set-uuid", ref.String(), nil, err)
	}
	k := call{op: "set-uuid"}
	k.header.Flags = dmioctl.FlagUUID
	return c.rename(ctx, ref, k, newUUID, o)
}

// rename issues the command behind both. The kernel finds the device by name only, and its
// answer tells neither the new name nor the UUID.
func (c *Control) rename(ctx context.Context, ref Ref, k call, text string, o UdevOptions) (Info, error) {
	k.command, k.ref, k.payload = dmioctl.CmdRename, ref, dmioctl.String(text)
	old, err := c.nameOf(ctx, ref)
	if err != nil {
		return Info{}, c.explain(k, err)
	}
	k.header.Name, k.ref = old, Ref{by: byKernelName, text: k.name()}
	isUUID := k.header.Flags&dmioctl.FlagUUID != 0
	h, err := c.withUdev(ctx, o, k, func(k call) (dmioctl.Header, node, error) {
		h, err := c.do(ctx, k, nil)
		if isUUID {
			return h, node{}, err
		}
		return h, node{make: text, remove: old, devno: h.Dev}, err
	})
	if err != nil {
		return Info{}, err
	}
	if isUUID {
		h.Name, h.UUID = old, text
		return c.infoOf(h), nil
	}
	h.Name = text
	if now, err := c.Info(ByDevno(h.Dev), InfoOptions{}); err == nil {
		return now, nil
	}
	return c.infoOf(h), nil // removed meanwhile
}

// nameOf is the name of a device as the kernel has it.
func (c *Control) nameOf(ctx context.Context, ref Ref) (string, error) {
	if ref.by == byName {
		return c.kernelName(ref.text)
	}
	h, err := c.do(ctx, call{command: dmioctl.CmdInfo, ref: ref}, nil)
	return h.Name, err
}
