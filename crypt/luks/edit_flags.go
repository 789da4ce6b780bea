package luks

import (
	"fmt"
	"slices"
)

// activationFlags are what a header of LUKS2 can ask of each activation of the volume
// (specification, section 3.6).
var activationFlags = []string{
	"allow-discards", "same-cpu-crypt", "submit-from-crypt-cpus", "no-journal", "no-read-workqueue", "no-write-workqueue",
}

// SetFlags sets what a header of LUKS2 asks of each activation, in place of what it asked
// before: "allow-discards", "same-cpu-crypt", "submit-from-crypt-cpus", "no-journal",
// "no-read-workqueue", "no-write-workqueue"; none for nothing. Errors wrap [ErrOption], or
// [ErrUnsupported] for LUKS1.
func (e *Editor) SetFlags(flags []string) error {
	err := e.change(func(next *Header) error {
		if next.Version == 1 {
			return fmt.Errorf("LUKS1 keeps no flags: %w", ErrUnsupported)
		}
		for _, f := range flags {
			if !slices.Contains(activationFlags, f) {
				return option("flag %q: want some of %q", clip(f), activationFlags)
			}
		}
		next.V2.Metadata.Config.Flags = slices.Clone(flags)
		return nil
	})
	return wrap("luks: changing the flags", err)
}
