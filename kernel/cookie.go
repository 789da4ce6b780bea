package kernel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"
)

// Cookie waits for udev to finish with several devices at once: give it to any number of
// verbs, then Wait. It is a System V semaphore with the key Value, as libdm's. Verbs may
// use it concurrently. A cookie that is neither waited for nor discarded outlives the
// program.
//
// Verbs that got a cookie leave the nodes to its Wait.
type Cookie struct {
	control *Control
	value   uint32 // 0: there is no semaphore
	id      int

	mu    sync.Mutex
	ended bool
	nodes []node // to set right after the wait
}

const (
	cookieMagic    = 0x0d4d0000 // upper half of a key: libdm's
	cookieMask     = 0xffff0000
	cookieAttempts = 1000
	// How long a wait for udev goes on without a look at its context, and at the control
	// device when the context has no end.
	waitSlice, longSlice = 200 * time.Millisecond, time.Second
)

// NewCookie makes a cookie. Where there is no udev to wait for it is one that never waits.
func (c *Control) NewCookie() (*Cookie, error) {
	k, err := c.newCookie()
	if err == nil && k.value != 0 {
		if err = c.system.SemAdd(k.id, 1); err != nil { // for the wait
			err = errors.Join(err, k.remove())
		}
	}
	if err != nil {
		return nil, wrap("cookie", "", nil, err)
	}
	return k, nil
}

// newCookie makes a semaphore with the value 0. UdevAuto does without one where the
// machine has none to give.
func (c *Control) newCookie() (*Cookie, error) {
	k := &Cookie{control: c}
	if !c.udevWorks() {
		return k, nil
	}
	for range cookieAttempts {
		base := uint32(1 + rand.IntN(0xffff))
		id, err := c.system.Semget(cookieMagic|base, true)
		switch {
		case err == nil:
			k.value, k.id = cookieMagic|base, id
			return k, nil
		case errors.Is(err, syscall.EEXIST):
			continue
		case c.options.Udev == UdevAuto && (errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOSPC)):
			return k, nil
		}
		return nil, fmt.Errorf("making a semaphore to wait for udev: %w", err)
	}
	return nil, fmt.Errorf("making a semaphore to wait for udev: no free key in %d attempts: %w", cookieAttempts, syscall.EEXIST)
}

// OpenCookie is a cookie that somebody else made, such as dmsetup udevcreatecookie. It is
// ErrNotFound when there is none of this value.
func (c *Control) OpenCookie(value uint32) (*Cookie, error) {
	if value == 0 {
		return &Cookie{control: c}, nil
	}
	fail := func(err error) (*Cookie, error) {
		return nil, &Error{Op: "cookie", Name: fmt.Sprintf("%#x", value), Err: err}
	}
	if value&cookieMask != cookieMagic || value&^cookieMask == 0 {
		return fail(fmt.Errorf("%w: a cookie is %#x and four digits that are not zero", ErrInvalid, cookieMagic>>16))
	}
	id, err := c.system.Semget(value, false)
	if errors.Is(err, syscall.ENOENT) {
		return fail(fmt.Errorf("%w: %w", ErrNotFound, err))
	}
	if err != nil {
		return fail(err)
	}
	return &Cookie{control: c, value: value, id: id}, nil
}

// Value is the cookie's key, 0 for one that never waits.
func (k *Cookie) Value() uint32 { return k.value }

// begin counts one more uevent. A cookie of one call counts its wait at the same time.
func (k *Cookie) begin(own bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		return fmt.Errorf("%w: the cookie has ended", ErrInvalid)
	}
	if k.value == 0 {
		return nil
	}
	add := 1
	if own {
		add = 2
	}
	if err := k.control.system.SemAdd(k.id, add); err != nil {
		err = fmt.Errorf("counting up the semaphore of udev: %w", err)
		if own {
			err = errors.Join(err, k.remove())
		}
		return err
	}
	return nil
}

// takeBack undoes begin: there will be no uevent.
func (k *Cookie) takeBack(own bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.value == 0 {
		return nil
	}
	if own {
		return k.remove()
	}
	return k.gone(k.control.system.SemAdd(k.id, -1))
}

// later keeps what is to be done to nodes after the wait; a cookie that never waits does it
// now.
func (k *Cookie) later(n node) error {
	if k.value == 0 {
		return k.control.settle(n, false)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nodes = append(k.nodes, n)
	return nil
}

// Wait waits until udev has finished with everything that got the cookie, and ends the
// cookie, whatever comes out. ErrUdevTimeout as for the verbs.
func (k *Cookie) Wait(ctx context.Context) error {
	err := k.wait(ctx)
	for _, n := range k.nodes {
		err = errors.Join(err, k.control.settle(n, true))
	}
	k.nodes = nil
	return k.wrapped(err)
}

// Discard ends the cookie without waiting.
func (k *Cookie) Discard() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended || k.value == 0 {
		k.ended = true
		return nil
	}
	return k.wrapped(k.remove())
}

func (k *Cookie) wrapped(err error) error {
	if err == nil {
		return nil
	}
	return wrap("cookie", fmt.Sprintf("%#x", k.value), nil, err)
}

// wait takes back the count of the wait, waits for zero and removes the semaphore.
func (k *Cookie) wait(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended || k.value == 0 {
		k.ended = true
		return nil
	}
	err := k.control.system.SemAdd(k.id, -1)
	if err == nil {
		err = k.waitZero(ctx)
	}
	return errors.Join(k.gone(err), k.remove())
}

// waitZero waits in slices, so that the context counts.
func (k *Cookie) waitZero(ctx context.Context) error {
	c := k.control
	limit := c.options.UdevTimeout
	deadline := time.Now().Add(limit)
	for {
		slice := waitSlice
		if ctx.Done() == nil {
			slice = longSlice
		}
		if limit >= 0 {
			slice = min(slice, time.Until(deadline))
		}
		err := c.system.SemWaitZero(k.id, max(slice, 0))
		switch {
		case errors.Is(err, syscall.EINTR):
		case !errors.Is(err, syscall.EAGAIN):
			return err
		case limit >= 0 && !time.Now().Before(deadline):
			return fmt.Errorf("%w (%v): does it have the rules of device-mapper, 95-dm-notify.rules?", ErrUdevTimeout, limit)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.life.Err() != nil {
			return c.whyEnded(ctx)
		}
	}
}

// remove removes the semaphore.
func (k *Cookie) remove() error {
	k.ended = true
	if err := k.gone(k.control.system.SemRemove(k.id)); err != nil {
		return fmt.Errorf("removing the semaphore of udev: %w", err)
	}
	return nil
}

// gone takes a semaphore that somebody removed for one that has reached zero, as libdm
// does: dmsetup udevcomplete_all ends waits so.
func (k *Cookie) gone(err error) error {
	if errors.Is(err, syscall.EIDRM) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// Complete says that one of the things that got the cookie is done, as udev's last rule does.
// Of value the lower half counts: udev hands it over with flags in the upper one. A lower
// half of 0 is flags only, and nothing to do.
func (c *Control) Complete(value uint32) error {
	base := value &^ cookieMask
	if base == 0 {
		return nil
	}
	k, err := c.OpenCookie(cookieMagic | base)
	if err != nil {
		return err
	}
	return k.wrapped(c.system.SemAdd(k.id, -1))
}

// CookieInfo is a cookie that exists on this machine, whoever made it.
type CookieInfo struct {
	Value       uint32
	SemaphoreID int
	Count       int       // what is still to be completed, and one for the wait
	LastOp      time.Time // zero: never
	Changed     time.Time // made, or its permissions changed
}

// Cookies lists the cookies that exist in this IPC namespace.
func (c *Control) Cookies() ([]CookieInfo, error) {
	semaphores, err := c.system.Semaphores()
	if err != nil {
		return nil, wrap("cookies", "", nil, err)
	}
	var cookies []CookieInfo
	for _, s := range semaphores {
		if s.Key&cookieMask == cookieMagic && s.Count == 1 {
			cookies = append(cookies, CookieInfo{Value: s.Key, SemaphoreID: s.ID, Count: s.Value, LastOp: s.LastOp, Changed: s.Changed})
		}
	}
	return cookies, nil
}
