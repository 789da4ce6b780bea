package kernel

import (
	"context"
	"errors"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// UdevSync says whether verbs that change device nodes wait for udev to have done its part.
type UdevSync int

// The modes of udev synchronisation.
const (
	UdevAuto UdevSync = iota // on when udevd runs here and shares our semaphores
	UdevOn                   // always; a failure of the semaphores is an error
	UdevOff                  // never: this package makes and removes the nodes
)

// UdevFlags tell udev's rules what to leave undone. They are the bits of libdm's
// DM_UDEV_* flags.
type UdevFlags uint16

// The flags of udev's rules.
const (
	UdevNoDMRules         UdevFlags = 1 << 0 // no link below /dev/mapper: this package makes the node
	UdevNoSubsystemRules  UdevFlags = 1 << 1 // no rules of LVM, multipath, crypt
	UdevNoDiskRules       UdevFlags = 1 << 2 // no links by-id, by-uuid
	UdevNoOtherRules      UdevFlags = 1 << 3 // no blkid, systemd, udisks
	UdevLowPriority       UdevFlags = 1 << 4 // links of other devices win
	UdevNoLibraryFallback UdevFlags = 1 << 5 // leave nodes to udev even when it does not make them
	UdevPrimarySource     UdevFlags = 1 << 6 // always set by this package
	UdevSubsystem0        UdevFlags = 1 << 8 // the first of eight that belong to the subsystem

	// UdevPrivate is for devices that nobody else should look at.
	UdevPrivate = UdevNoSubsystemRules | UdevNoDiskRules | UdevNoOtherRules
)

// UdevOptions of verbs for which the kernel sends a uevent. The zero value waits for udev.
type UdevOptions struct {
	Cookie *Cookie   // do not wait, let this cookie wait for several devices; nil: wait
	Flags  UdevFlags // UdevPrimarySource is added
}

// udevWorks tells whether to synchronise with udev now.
func (c *Control) udevWorks() bool {
	switch c.options.Udev {
	case UdevOn:
		return true
	case UdevOff:
		return false
	}
	return c.system.UdevRunning()
}

// withUdev issues a call for which the kernel may send a uevent, waits for udev, and sets
// the nodes right. do gets the call with the cookie in it, and says what becomes of the
// nodes. Whatever happens, no semaphore is left behind.
//
// The value for the kernel is never zero: without a semaphore it still carries the flags,
// which udev's rules need to take the event for a deliberate one.
func (c *Control) withUdev(ctx context.Context, o UdevOptions, k call, do func(call) (dmioctl.Header, node, error)) (dmioctl.Header, error) {
	cookie, own, err := c.cookieFor(o)
	if err != nil {
		return dmioctl.Header{}, wrap(k.op, k.name(), nil, err)
	}
	if err := cookie.begin(own); err != nil {
		return dmioctl.Header{}, wrap(k.op, k.name(), nil, err)
	}
	k.header.EventNr = c.eventFlags(o.Flags) | cookie.value&^cookieMask
	h, n, err := do(k)
	n.flags = o.Flags
	switch {
	case err != nil:
		err = errors.Join(err, cookie.takeBack(own))
	case h.Flags&dmioctl.FlagUeventGenerated == 0:
		err = errors.Join(cookie.takeBack(own), c.settle(n, false))
	case own:
		err = errors.Join(cookie.wait(ctx), c.settle(n, cookie.value != 0))
	default:
		err = cookie.later(n)
	}
	if err != nil {
		err = wrap(k.op, k.name(), nil, err)
	}
	return h, err
}

// eventFlags are the flags for udev where the kernel takes them. With UdevOff the nodes are
// this package's, so a udevd that runs all the same shall make no links of their names.
func (c *Control) eventFlags(flags UdevFlags) uint32 {
	flags |= UdevPrimarySource
	if c.options.Udev == UdevOff {
		flags |= UdevNoDMRules | UdevNoSubsystemRules
	}
	return uint32(flags) << dmioctl.CookieFlagsShift
}

// cookieFor is the caller's cookie or one for this call.
func (c *Control) cookieFor(o UdevOptions) (cookie *Cookie, own bool, err error) {
	if o.Cookie != nil {
		return o.Cookie, false, nil
	}
	cookie, err = c.newCookie()
	return cookie, true, err
}
