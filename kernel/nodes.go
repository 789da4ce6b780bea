package kernel

// MakeNodes makes the nodes below /dev/mapper that are missing and removes those whose
// device is gone, as dmsetup mknodes does; of one device if ref is not the zero Ref.
func (c *Control) MakeNodes(ref Ref) error { return &Error{Op: "make-nodes", Err: ErrNotSupported} }
