package kernel

import (
	"context"
	"errors"
	"strings"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/tables"
)

// Entry is a device in a list.
type Entry struct {
	tables.ListItem
	EventNr uint32 // counter of the device's events; 0 on kernels before 4.38
	UUID    string // only when it was asked for
}

// ListOptions of [Control.List].
type ListOptions struct {
	UUIDs      bool   // fill in Entry.UUID; one more call per device on kernels that cannot list them
	NamePrefix string // only names that begin so
	UUIDPrefix string // only UUIDs that begin so; implies UUIDs
}

// List returns the devices, in the kernel's order. Names and UUIDs are un-mangled, unless
// the [Control] has MangleNone; prefixes are compared with them.
func (c *Control) List(o ListOptions) ([]Entry, error) {
	uuids := o.UUIDs || o.UUIDPrefix != ""
	names, err := c.names(flagIf(uuids, dmioctl.FlagUUID))
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(names))
	for _, n := range names {
		e := Entry{ListItem: tables.ListItem{DevNo: n.Dev, Name: c.display(n.Name)}, EventNr: n.EventNr, UUID: c.display(n.UUID)}
		if !strings.HasPrefix(e.Name, o.NamePrefix) {
			continue
		}
		if uuids && n.Flags == 0 { // the kernel does not list them
			info, err := c.Info(ByDevno(n.Dev), InfoOptions{})
			if errors.Is(err, ErrNotFound) {
				continue // removed meanwhile
			}
			if err != nil {
				return nil, err
			}
			e.UUID = info.UUID
		}
		if uuids && !strings.HasPrefix(e.UUID, o.UUIDPrefix) {
			continue
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// names is the list of devices as the kernel has them.
func (c *Control) names(flags uint32) (names []dmioctl.Name, err error) {
	k := call{op: "list", command: dmioctl.CmdListDevices, room: &c.listRoom}
	k.header.Flags = flags
	_, err = c.do(context.Background(), k, func(r reply) (err error) {
		names, err = dmioctl.Native.Names(r.data, c.version.Minor >= minorListEvents)
		return err
	})
	return names, err
}
