package activate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel"
)

// RemoveOptions of [Activator.Remove].
type RemoveOptions struct {
	// Deferred lets a device that is in use go when it is closed for the last time,
	// instead of waiting.
	Deferred bool
	// MissingOK makes it no error that there is no such device.
	MissingOK bool
	// Integrity also removes the device that keeps the tags of a LUKS2 volume, NAME_dif,
	// if the device lies on it.
	Integrity bool
	// Udev says what udev is told.
	Udev kernel.UdevOptions
}

// Removal is what became of a device.
type Removal int

// What may become of a device that is removed.
const (
	Removed  Removal = iota // it is gone, and so is its node
	Deferred                // it is in use, and goes when it is closed for the last time
	Missing                 // it was not there
)

// How long a removal waits before it tries again: first, and at most.
const (
	firstDelay = 5 * time.Millisecond
	maxDelay   = 200 * time.Millisecond
)

// Remove removes a device and its node. While it is in use it waits, until the context
// ends: then the error is a [*BusyError], which is kernel.ErrBusy and says what uses it.
// A context that has ended already allows one attempt. Give it a deadline: nobody else ends
// the wait for a device that stays mounted.
func (a *Activator) Remove(ctx context.Context, name string, o RemoveOptions) (Removal, error) {
	var below string
	if o.Integrity {
		below = a.tagsOf(name)
	}
	removal, err := a.remove(ctx, name, o)
	if err == nil && below != "" {
		o.MissingOK = true // it was there a moment ago
		if _, err = a.remove(ctx, below, o); err != nil {
			err = fmt.Errorf("the device %s under it: %w", below, err)
		}
	}
	if err != nil {
		return removal, fmt.Errorf("activate: removing %q: %w", name, err)
	}
	return removal, nil
}

// tagsOf is the name of the device with the tags of a volume's sectors that a device lies
// on, "" if there is none.
func (a *Activator) tagsOf(name string) string {
	info, err := a.control.Info(kernel.ByName(name+integritySuffix), kernel.InfoOptions{})
	if err != nil || !strings.HasPrefix(info.UUID, DeviceUUID("INTEGRITY", "", "")) {
		return ""
	}
	deps, err := a.control.Deps(kernel.ByName(name), kernel.DepsOptions{})
	if err != nil || !slices.Contains(deps, info.DevNo) {
		return ""
	}
	return info.Name
}

func (a *Activator) remove(ctx context.Context, name string, o RemoveOptions) (Removal, error) {
	ref, options := kernel.ByName(name), kernel.RemoveOptions{Deferred: o.Deferred, Udev: o.Udev}
	for delay := firstDelay; ; delay = min(2*delay, maxDelay) {
		deferred, err := a.attempt(ctx, ref, options)
		switch {
		case errors.Is(err, kernel.ErrNotFound) && o.MissingOK:
			return Missing, nil
		case err == nil && deferred:
			return Deferred, nil
		case !errors.Is(err, kernel.ErrBusy):
			return Removed, err
		}
		if why := sleep(ctx, delay); why != nil {
			return Removed, &BusyError{Name: name, Users: a.users(ref), err: errors.Join(err, why)}
		}
	}
}

// attempt tries to remove once, even if ctx has ended: the kernel answers at once, and only
// udev takes its time.
func (a *Activator) attempt(ctx context.Context, ref kernel.Ref, o kernel.RemoveOptions) (bool, error) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), undoTime)
		defer cancel()
	}
	return a.control.Remove(ctx, ref, o)
}

// CancelRemoval calls off a removal that was [Deferred]. It does nothing when none was.
func (a *Activator) CancelRemoval(name string) error {
	_, err := a.control.Message(kernel.ByName(name), 0, []byte("@cancel_deferred_remove"), kernel.MessageOptions{})
	if err != nil {
		return fmt.Errorf("activate: calling off the removal of %q: %w", name, err)
	}
	return nil
}

// BusyError tells that a device is still in use, and by what as far as that can be seen.
type BusyError struct {
	Name  string
	Users []string // "mounted on /mnt", "device top", "process 7 (dd)"; empty when nothing could be seen
	err   error
}

// Error says what uses the device.
func (e *BusyError) Error() string {
	if len(e.Users) == 0 {
		return fmt.Sprintf("%v: a mount of another namespace may have it open", e.err)
	}
	return fmt.Sprintf("%v: %s", e.err, strings.Join(e.Users, ", "))
}

// Unwrap returns the kernel's error, which is kernel.ErrBusy, and that of the context.
func (e *BusyError) Unwrap() error { return e.err }
