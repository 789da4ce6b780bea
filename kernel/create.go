package kernel

import "context"

// CreateOptions of [Control.Create].
type CreateOptions struct {
	UUID  string  // "": none
	Minor *uint32 // nil: the kernel chooses; below 2^20
}

// Create creates a device without a table. Since Linux 5.15 it has no node and no
// place in /sys/block before the first [Control.Load].
func (c *Control) Create(name string, o CreateOptions) (Info, error) {
	return Info{}, &Error{Op: "create", Name: name, Err: ErrNotSupported}
}

// ActivateOptions of [Control.CreateAndLoad].
type ActivateOptions struct {
	Create CreateOptions
	Load   LoadOptions
	Resume ResumeOptions
}

// CreateAndLoad creates a device, loads its tables and makes them live. When it
// returns without error the node is there and udev has finished with it. When a step
// fails, or the context ends, the device is removed again; a failure of that is joined
// to the error.
func (c *Control) CreateAndLoad(ctx context.Context, name string, o ActivateOptions, ts ...Table) (Info, error) {
	return Info{}, &Error{Op: "create", Name: name, Err: ErrNotSupported}
}
