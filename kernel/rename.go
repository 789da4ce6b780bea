package kernel

import "context"

// Rename gives a device another name, and renames its node.
func (c *Control) Rename(ctx context.Context, ref Ref, name string, o UdevOptions) (Info, error) {
	return Info{}, &Error{Op: "rename", Name: ref.String(), Err: ErrNotSupported}
}

// SetUUID gives a UUID to a device that has none; ErrInvalid if it has one.
func (c *Control) SetUUID(ctx context.Context, ref Ref, uuid string, o UdevOptions) (Info, error) {
	return Info{}, &Error{Op: "set-uuid", Name: ref.String(), Err: ErrNotSupported}
}
