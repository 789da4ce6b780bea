package kerneltest

import (
	"slices"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// device is a mapped device.
type device struct {
	name, uuid string
	devno      uint64
	live       *table
	staged     *table
	suspended  bool
	deferred   bool // to be removed when it is closed
	disk       bool // a table was loaded: there is a disk, and udev hears of it
	opened     int  // by programs
	eventNr    uint32
	kind       kind // of its first table
	geometry   string
	stats      statistics
}

// table is a loaded table.
type table struct {
	specs    []dmioctl.Spec // as the kernel prints them
	status   []string
	deps     []uint64 // the last one named first, as the kernel lists them
	outside  bool     // a target lies past the end of what it uses
	readOnly bool
	kind     kind
}

func (k *Kernel) byName(name string) *device {
	return k.find(func(d *device) bool { return d.name == name })
}

func (k *Kernel) byUUID(uuid string) *device {
	return k.find(func(d *device) bool { return d.uuid == uuid })
}

func (k *Kernel) byDevno(devno uint64) *device {
	return k.find(func(d *device) bool { return d.devno == devno })
}

func (k *Kernel) find(is func(*device) bool) *device {
	if i := slices.IndexFunc(k.devices, is); i >= 0 {
		return k.devices[i]
	}
	return nil
}

// freeMinor is the lowest minor number that is free.
func (k *Kernel) freeMinor() uint32 {
	for minor := uint32(0); ; minor++ {
		if k.byDevno(kernel.Mkdev(Major, minor)) == nil {
			return minor
		}
	}
}

// checkName refuses what the kernel refuses as the name of a new device.
func checkName(name string) error {
	switch {
	case name == "", name == "control", name == ".", name == "..", strings.IndexByte(name, '/') >= 0:
		return syscall.EINVAL
	}
	return nil
}

// drop removes a device and lets go of what it uses. cookie is that of the event.
func (k *Kernel) drop(d *device, cookie uint32) {
	k.devices = slices.DeleteFunc(k.devices, func(other *device) bool { return other == d })
	k.discard(d.live)
	k.discard(d.staged)
	k.globalEvent()
	if d.disk {
		k.uevent(uevent{action: "remove", name: d.name, devno: d.devno, cookie: cookie})
	}
}

// discard lets go of the devices that a table used which its device has no more.
func (k *Kernel) discard(t *table) {
	if t == nil {
		return
	}
	for _, devno := range t.deps {
		if d := k.byDevno(devno); d != nil {
			k.closed(d)
		}
	}
}

// closed removes a device that waited for its last user to go.
func (k *Kernel) closed(d *device) {
	if d.deferred && k.openCount(d) == 0 && k.byDevno(d.devno) == d {
		k.drop(d, 0)
	}
}

// openCount is how often a device is open. Another device has it open once, for both of its
// tables.
func (k *Kernel) openCount(d *device) int {
	n := d.opened
	for _, other := range k.devices {
		if other.live.uses(d.devno) || other.staged.uses(d.devno) {
			n++
		}
	}
	return n
}

func (t *table) uses(devno uint64) bool { return t != nil && slices.Contains(t.deps, devno) }

// about fills in what the kernel says of a device. Flags that mean nothing in an answer stay
// as they were sent.
func (r *request) about(d *device) {
	h := &r.header
	h.Flags &^= dmioctl.FlagSuspend | dmioctl.FlagReadOnly | dmioctl.FlagActivePresent |
		dmioctl.FlagInactivePresent | dmioctl.FlagInternalSuspend
	h.Dev = d.devno
	h.OpenCount = int32(r.k.openCount(d))
	h.EventNr = d.eventNr
	h.TargetCount = 0
	set := func(is bool, flag uint32) {
		if is {
			h.Flags |= flag
		}
	}
	set(d.suspended, dmioctl.FlagSuspend)
	set(d.deferred, dmioctl.FlagDeferredRemove)
	set(d.live != nil, dmioctl.FlagActivePresent)
	set(d.staged != nil, dmioctl.FlagInactivePresent)
	if t := d.asked(h.Flags); t != nil {
		h.TargetCount = uint32(len(t.specs))
		set(t.readOnly, dmioctl.FlagReadOnly)
	}
}

// asked is the table that a request is about.
func (d *device) asked(flags uint32) *table {
	if flags&dmioctl.FlagQueryInactive != 0 {
		return d.staged
	}
	return d.live
}
