package dmsetup

import (
	"runtime/debug"

	"github.com/dmimg/dmimg/kernel"
)

// libraryVersion is the version of dmsetup that is spoken.
const libraryVersion = "1.02.185"

// version prints the version that is spoken, and the kernel's.
func (t *tool) version([]string) error {
	ours := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		ours = info.Main.Version
	}
	t.printf("Library version:   %s (dmimg %s)\n", libraryVersion, ours)
	c, err := t.open()
	if err != nil {
		return err
	}
	t.printf("Driver version:    %s\n", c.Version())
	return nil
}

// targets prints the targets that the kernel has loaded.
func (t *tool) targets([]string) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	targets, err := c.Targets()
	if err != nil {
		return ioctlError("targets", device{}, err)
	}
	for _, v := range targets {
		t.printTarget(v)
	}
	return nil
}

func (t *tool) printTarget(v kernel.TargetVersion) { t.printf("%-16s v%s\n", v.Name, v.Version) }

// targetVersion prints the versions of targets, which are loaded if need be; of all that
// are loaded when none is named.
func (t *tool) targetVersion(args []string) error {
	if len(args) == 0 {
		return t.targets(nil)
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	for _, name := range args {
		v, err := c.TargetVersion(name)
		if err != nil {
			return ioctlError("target-version", device{name: name}, err)
		}
		t.printTarget(v)
	}
	return nil
}

// stats is what dmstats does.
func (t *tool) stats([]string) error {
	return failf("stats: this program does not do statistics; dmsetup message DEVICE 0 @stats_… does, and dmstats of the lvm2 project")
}

// wait waits for an event of a device.
func (t *tool) wait(args []string) error {
	d, ok, err := t.selected()
	if err != nil {
		return err
	}
	switch {
	case !ok && len(args) == 0:
		return errNoDevice
	case !ok || len(args) == 2:
		if d, err = t.named(args[0]); err != nil {
			return err
		}
		args = args[1:]
	}
	event := 0
	if len(args) > 0 {
		event = atoi(args[0])
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	o := kernel.WaitOptions{Inactive: t.has("inactive"), NoFlush: t.has("noflush")}
	if _, err := c.Wait(t.ctx, d.ref, uint32(event), o); err != nil {
		if t.ctx.Err() != nil {
			return t.ctx.Err()
		}
		return ioctlError("waitevent", d, err)
	}
	return t.ifVerbose(d)
}

// makeNodes sets the nodes right, of the devices named or of all.
func (t *tool) makeNodes(args []string) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	d, ok, err := t.selected()
	if err != nil {
		return err
	}
	refs := []kernel.Ref{d.ref} // zero: all
	if len(args) > 0 && !ok {
		refs = nil
		for _, arg := range args {
			if d, err = t.named(arg); err != nil {
				return err
			}
			refs = append(refs, d.ref)
		}
	}
	for _, ref := range refs {
		if err := c.MakeNodes(ref, t.nodeOptions()); err != nil {
			return failf("Setting the nodes right: %w", err)
		}
	}
	return nil
}
