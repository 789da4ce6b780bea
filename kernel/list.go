package kernel

import "github.com/dmimg/dmimg/tables"

// Entry is a device in a list.
type Entry struct {
	tables.ListItem
	EventNr uint32 // counter of the device's events; 0 on kernels before 4.38
	UUID    string // only when it was asked for; un-mangled
}

// ListOptions of [Control.List].
type ListOptions struct {
	UUIDs      bool   // fill in Entry.UUID; one more call per device on kernels that cannot list them
	NamePrefix string // only names that begin so
	UUIDPrefix string // only UUIDs that begin so; implies UUIDs
}

// List returns the devices, in the kernel's order (by name since about Linux 5.13).
func (c *Control) List(o ListOptions) ([]Entry, error) {
	return nil, &Error{Op: "list", Err: ErrNotSupported}
}
