package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

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
	return c.targets(call{op: "targets", command: dmioctl.CmdListVersions})
}

func (c *Control) targets(k call) ([]TargetVersion, error) {
	k.room = &c.textRoom
	var targets []TargetVersion
	_, err := c.do(context.Background(), k, func(r reply) error {
		list, err := dmioctl.Native.TargetVersions(r.data)
		targets = make([]TargetVersion, len(list))
		for i, t := range list {
			targets[i] = TargetVersion{t.Name, Version{t.Version[0], t.Version[1], t.Version[2]}}
		}
		return err
	})
	return targets, err
}

// TargetVersion asks for one target, whose module is loaded if need be. ErrNotFound when
// the kernel does not have it. Before interface version 4.41 only targets that are loaded
// can be asked for, and absence is ErrNotSupported: unknown.
func (c *Control) TargetVersion(target string) (TargetVersion, error) {
	const op = "target-version"
	old := c.need(dmioctl.CmdTargetVersion.Minor(), "the version of a target that is not loaded")
	k := call{op: op, command: dmioctl.CmdTargetVersion}
	k.header.Name = target
	if old != nil {
		k = call{op: op, command: dmioctl.CmdListVersions}
	} else if target == "" {
		return TargetVersion{}, wrap(op, target, nil, fmt.Errorf("%w: no target given", ErrInvalid))
	}
	found, err := c.targets(k)
	if err != nil {
		return TargetVersion{}, err
	}
	for _, t := range found {
		if t.Name == target {
			return t, nil
		}
	}
	if old != nil {
		return TargetVersion{}, wrap(op, target, nil, old)
	}
	return TargetVersion{}, wrap(op, target, nil, errors.New("the kernel answered for another target"))
}
