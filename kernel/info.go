package kernel

import (
	"context"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/tables"
)

// Info is what the kernel says of a device. DevNo is as [Mkdev] makes it; Name and
// UUID are un-mangled, unless the [Control] has MangleNone.
type Info struct {
	tables.DeviceInfo
	EventNr uint32 // counter of the device's events, for Wait
}

// ReadOnly: the device, or the staged table if that was asked for, is read-only.
func (i Info) ReadOnly() bool { return i.has(dmioctl.FlagReadOnly) }

// Suspended: I/O waits for a resume.
func (i Info) Suspended() bool { return i.has(dmioctl.FlagSuspend) }

// InternallySuspended: the kernel itself suspended it, as it does with thin devices
// while their pool is suspended.
func (i Info) InternallySuspended() bool { return i.has(dmioctl.FlagInternalSuspend) }

// HasLiveTable: there is a live table.
func (i Info) HasLiveTable() bool { return i.has(dmioctl.FlagActivePresent) }

// HasInactiveTable: a table is staged.
func (i Info) HasInactiveTable() bool { return i.has(dmioctl.FlagInactivePresent) }

// DeferredRemove: the device goes when it is closed for the last time.
func (i Info) DeferredRemove() bool { return i.has(dmioctl.FlagDeferredRemove) }

func (i Info) has(flag uint32) bool { return i.Flags&flag != 0 }

// infoOf is the Info in the header of an answer.
func (c *Control) infoOf(h dmioctl.Header) Info {
	return Info{
		DeviceInfo: tables.DeviceInfo{
			Name: c.display(h.Name), UUID: c.display(h.UUID), DevNo: h.Dev,
			OpenCount: h.OpenCount, TargetsNum: h.TargetCount, Flags: h.Flags,
		},
		EventNr: h.EventNr,
	}
}

// InfoOptions of [Control.Info].
type InfoOptions struct {
	Inactive bool // TargetsNum and ReadOnly are those of the staged table
}

// Info asks for the state of a device.
func (c *Control) Info(ref Ref, o InfoOptions) (Info, error) {
	k := call{command: dmioctl.CmdInfo, ref: ref}
	k.header.Flags = inactive(o.Inactive)
	return c.info(context.Background(), k)
}

// inactive is the flag that asks about the staged table.
func inactive(staged bool) uint32 { return flagIf(staged, dmioctl.FlagQueryInactive) }

func flagIf(set bool, flag uint32) uint32 {
	if set {
		return flag
	}
	return 0
}
