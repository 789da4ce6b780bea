package kernel

import "fmt"

// Version is a version of the interface or of a target.
type Version struct {
	Major, Minor, Patch uint32
}

// String is "4.48.0".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// TargetVersion is a target that the kernel knows.
type TargetVersion struct {
	Name string
	Version
}

// Targets lists the targets that are loaded now. Others may be loaded when a table or
// [Control.TargetVersion] names them.
func (c *Control) Targets() ([]TargetVersion, error) {
	return nil, &Error{Op: "targets", Err: ErrNotSupported}
}

// TargetVersion asks for one target, whose module is loaded if need be. ErrNotFound when
// the kernel does not have it. Before interface version 4.41 only targets that are loaded
// can be asked for, and absence is ErrNotSupported: unknown.
func (c *Control) TargetVersion(target string) (TargetVersion, error) {
	return TargetVersion{}, &Error{Op: "target-version", Name: target, Err: ErrNotSupported}
}
