package kernel

import "github.com/dmimg/dmimg/tables"

// Info is what the kernel says of a device. DevNo is as [Mkdev] makes it, Name and
// UUID are un-mangled.
type Info struct {
	tables.DeviceInfo
	EventNr uint32 // counter of the device's events, for Wait
}

// Flags of Info.Flags, out of linux/dm-ioctl.h. The methods of [Info] read them.
const (
	flagReadOnly        = 1 << 0
	flagSuspend         = 1 << 1
	flagActivePresent   = 1 << 5
	flagInactivePresent = 1 << 6
	flagDeferredRemove  = 1 << 17
	flagInternalSuspend = 1 << 18
)

// ReadOnly: the device, or the staged table if that was asked for, is read-only.
func (i Info) ReadOnly() bool { return i.Flags&flagReadOnly != 0 }

// Suspended: I/O waits for a resume.
func (i Info) Suspended() bool { return i.Flags&flagSuspend != 0 }

// InternallySuspended: the kernel itself suspended it, as it does with thin devices
// while their pool is suspended.
func (i Info) InternallySuspended() bool { return i.Flags&flagInternalSuspend != 0 }

// HasLiveTable: there is a live table.
func (i Info) HasLiveTable() bool { return i.Flags&flagActivePresent != 0 }

// HasInactiveTable: a table is staged.
func (i Info) HasInactiveTable() bool { return i.Flags&flagInactivePresent != 0 }

// DeferredRemove: the device goes when it is closed for the last time.
func (i Info) DeferredRemove() bool { return i.Flags&flagDeferredRemove != 0 }

// InfoOptions of [Control.Info].
type InfoOptions struct {
	Inactive bool // TargetsNum and ReadOnly are those of the staged table
}

// Info asks for the state of a device.
func (c *Control) Info(ref Ref, o InfoOptions) (Info, error) {
	return Info{}, &Error{Op: "info", Name: ref.String(), Err: ErrNotSupported}
}
