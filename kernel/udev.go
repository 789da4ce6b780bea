package kernel

import (
	"context"
	"time"
)

// UdevSync says whether verbs that change device nodes wait for udev to have done its part.
type UdevSync int

// The modes of udev synchronisation.
const (
	UdevAuto UdevSync = iota // on when udevd runs here and shares our semaphores
	UdevOn                   // always
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
	UdevNoLibraryFallback UdevFlags = 1 << 5 // do not make a node that udev did not make
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

// Cookie waits for udev to finish with several devices at once: give it to any number of
// verbs, then Wait. It is a System V semaphore with the key Value, as libdm's.
type Cookie struct {
	control *Control
	value   uint32
}

// NewCookie makes a cookie. Where there is no udev to wait for it is one that never waits.
func (c *Control) NewCookie() (*Cookie, error) {
	return nil, &Error{Op: "cookie", Err: ErrNotSupported}
}

// OpenCookie is a cookie that somebody else made, such as dmsetup udevcreatecookie.
func (c *Control) OpenCookie(value uint32) (*Cookie, error) {
	return nil, &Error{Op: "cookie", Err: ErrNotSupported}
}

// Value is the cookie's key, 0 for one that never waits.
func (k *Cookie) Value() uint32 { return k.value }

// Wait waits until udev has finished with everything that got the cookie, and ends the
// cookie, whatever comes out. ErrUdevTimeout as for the verbs.
func (k *Cookie) Wait(ctx context.Context) error {
	return &Error{Op: "cookie", Err: ErrNotSupported}
}

// Discard ends the cookie without waiting.
func (k *Cookie) Discard() error { return &Error{Op: "cookie", Err: ErrNotSupported} }

// Complete says that one of the things that got the cookie is done, as udev's last rule does.
// Of value the lower half counts: udev hands it over with flags in the upper one.
func (c *Control) Complete(value uint32) error { return &Error{Op: "cookie", Err: ErrNotSupported} }

// CookieInfo is a cookie that exists on this machine, whoever made it.
type CookieInfo struct {
	Value       uint32
	SemaphoreID int
	Count       int       // what is still to be completed, and one for the wait
	LastOp      time.Time // zero: never
	Changed     time.Time
}

// Cookies lists the cookies that exist in this IPC namespace.
func (c *Control) Cookies() ([]CookieInfo, error) {
	return nil, &Error{Op: "cookies", Err: ErrNotSupported}
}
