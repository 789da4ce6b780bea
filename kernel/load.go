package kernel

import "context"

// LoadOptions of [Control.Load].
type LoadOptions struct {
	ReadOnly bool // the device becomes read-only; verity wants it
	// Unchecked leaves all checks of the tables to the kernel, which says no more than
	// "invalid argument" and writes the reason to its log.
	Unchecked bool

	flags uint32 // further bits, of the seed's verbs
}

// Load stages tables; [Control.Resume] makes them live. A table that was staged before
// is dropped. Keys in the tables are wiped from the request afterwards, and by the kernel
// from its copy; what the caller's tables and the Go strings made of them hold cannot be.
//
// Errors of the tables are those of package tables, or what the kernel says: ErrInvalid
// (the reason is in the kernel's log), ErrBusy (an underlying device is claimed), ENODEV
// or ENOENT (there is none), ErrNotFound.
func (c *Control) Load(ref Ref, o LoadOptions, ts ...Table) (Info, error) {
	return Info{}, &Error{Op: "load", Name: ref.String(), Err: ErrNotSupported}
}

// Clear drops the staged table. It is no error when there is none.
func (c *Control) Clear(ref Ref) (Info, error) {
	return Info{}, &Error{Op: "clear", Name: ref.String(), Err: ErrNotSupported}
}

// ReloadOptions of [Control.Reload].
type ReloadOptions struct {
	Load    LoadOptions
	Suspend SuspendOptions
	Resume  ResumeOptions
}

// Reload exchanges the table of a device: load, suspend, resume. When a step fails, the
// staged table is dropped and a device that was running runs on with the table it had.
func (c *Control) Reload(ctx context.Context, ref Ref, o ReloadOptions, ts ...Table) (Info, error) {
	return Info{}, &Error{Op: "reload", Name: ref.String(), Err: ErrNotSupported}
}
