package kernel

import (
	"context"
	"fmt"
	"math"

	"github.com/dmimg/dmimg/tables"
)

// Table, DeviceInfo and ListItem are those of package tables, under the names
// they have in the well-known Go API.
type (
	Table      = tables.Table
	DeviceInfo = tables.DeviceInfo
	ListItem   = tables.ListItem
)

// SectorSize and ReadOnlyFlag are those of package tables.
const (
	SectorSize   = tables.SectorSize
	ReadOnlyFlag = tables.ReadOnlyFlag
)

// The functions of this file are the verbs of the well-known API. Each opens the
// control device, does its work with the zero [Options] and closes it again; they
// never time out except in udev's wait. A program that makes more than a few calls
// keeps a [Control]. All are safe for concurrent use, and return [*Error].

// Create creates a device without a table. uuid may be "". The device has no size and no
// node until [Load] and [Resume]. [ErrExists] when the name or the UUID
// is taken.
func Create(name string, uuid string) error {
	return withControl(func(c *Control) error {
		_, err := c.Create(name, CreateOptions{UUID: uuid})
		return err
	})
}

// CreateAndLoad creates a device, loads its tables and resumes it; its node is there
// when it returns. When a step fails, the steps before it are undone. flags are
// DM_*_FLAG bits of the load; [ReadOnlyFlag] is the useful one.
func CreateAndLoad(name string, uuid string, flags uint32, tables ...Table) error {
	return withControl(func(c *Control) error {
		o := ActivateOptions{Create: CreateOptions{UUID: uuid}, Load: loadFlags(flags)}
		_, err := c.CreateAndLoad(context.Background(), name, o, tables...)
		return err
	})
}

// GetVersion returns the version of the kernel's device-mapper interface, 4.48.0 in
// Linux 6.12.
func GetVersion() (major, minor, patch uint32, err error) {
	err = withControl(func(c *Control) error {
		v := c.Version()
		major, minor, patch = v.Major, v.Minor, v.Patch
		return nil
	})
	return major, minor, patch, err
}

// InfoByDevno returns what the kernel says of the device with this number;
// [ErrNotFound] when there is none.
func InfoByDevno(devno uint64) (*DeviceInfo, error) { return infoOf(ByDevno(devno)) }

// InfoByName returns what the kernel says of the device of this name;
// [ErrNotFound] when there is none.
func InfoByName(name string) (*DeviceInfo, error) { return infoOf(ByName(name)) }

func infoOf(ref Ref) (*DeviceInfo, error) {
	var info Info
	err := withControl(func(c *Control) (err error) {
		info, err = c.Info(ref, InfoOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &info.DeviceInfo, nil
}

// List returns all devices, in the kernel's order.
func List() ([]ListItem, error) {
	var items []ListItem
	err := withControl(func(c *Control) error {
		entries, err := c.List(ListOptions{})
		for _, e := range entries {
			items = append(items, e.ListItem)
		}
		return err
	})
	return items, err
}

// Load stages tables for a device; [Resume] makes them live. flags are DM_*_FLAG
// bits; [ReadOnlyFlag] is the useful one.
func Load(name string, flags uint32, tables ...Table) error {
	return withControl(func(c *Control) error {
		_, err := c.Load(ByName(name), loadFlags(flags), tables...)
		return err
	})
}

// Message sends a message to the target at this sector of the live table. Its answer
// is dropped; [Control.Message] gives it.
func Message(name string, sector int, message string) error {
	if sector < 0 || uint64(sector) > math.MaxInt64 {
		return &Error{Op: "message", Name: name, Err: fmt.Errorf("%w: sector %d is negative", ErrInvalid, sector)}
	}
	return withControl(func(c *Control) error {
		_, err := c.Message(ByName(name), uint64(sector), []byte(message), MessageOptions{})
		return err
	})
}

// Remove removes a device and its node; [ErrBusy] while it is open.
func Remove(name string) error {
	return withControl(func(c *Control) error {
		_, err := c.Remove(context.Background(), ByName(name), RemoveOptions{})
		return err
	})
}

// Rename gives a device another name; [ErrExists] when it is taken.
func Rename(old, new string) error {
	return withControl(func(c *Control) error {
		_, err := c.Rename(context.Background(), ByName(old), new, UdevOptions{})
		return err
	})
}

// Resume makes the staged table live, if there is one, and lets I/O through.
func Resume(name string) error {
	return withControl(func(c *Control) error {
		_, err := c.Resume(context.Background(), ByName(name), ResumeOptions{})
		return err
	})
}

// SetUUID gives a UUID to a device that has none.
func SetUUID(name, uuid string) error {
	return withControl(func(c *Control) error {
		_, err := c.SetUUID(context.Background(), ByName(name), uuid, UdevOptions{})
		return err
	})
}

// Suspend lets the I/O in flight end, freezes a file system on the device, and holds
// back further I/O until [Resume].
func Suspend(name string) error {
	return withControl(func(c *Control) error {
		_, err := c.Suspend(context.Background(), ByName(name), SuspendOptions{})
		return err
	})
}

func loadFlags(flags uint32) LoadOptions { return LoadOptions{flags: flags} }

func withControl(do func(c *Control) error) (err error) {
	c, err := OpenControl()
	if err != nil {
		return err
	}
	defer func() {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}()
	return do(c)
}
