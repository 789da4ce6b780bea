package dmsetup

import (
	"errors"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// Limits of the kernel in bytes.
const (
	maxName = 127
	maxUUID = 128
)

// mangled is a name or UUID as the kernel gets it; what is "name" or "uuid".
func (t *tool) mangled(what, text string, limit int) (string, error) {
	if what == "name" && len(text) > limit {
		return "", failf("Name \"%s\" too long.", text)
	}
	m, err := kernel.Mangle(text, t.mangling)
	switch {
	case err != nil && isTwice(text):
		return "", failf("The %s \"%s\" seems to be mangled more than once. This is not allowed in auto mode.", what, text)
	case err != nil:
		return "", failf("The %[1]s \"%[2]s\" contains mixed mangled and unmangled characters or it's already mangled improperly.\n"+
			"Failed to mangle device %[1]s \"%[2]s\".", what, text)
	case len(m) > limit:
		return "", failf("Mangled form of the %[1]s too long for \"%[2]s\".\nFailed to mangle device %[1]s \"%[2]s\".", what, text)
	}
	return m, nil
}

// isTwice reports whether the mangled form of a backslash is followed by that of another
// byte.
func isTwice(name string) bool { return strings.Contains(name, `\x5cx`) }

// show is a name or UUID of the kernel as people read it.
func (t *tool) show(text string) string {
	if t.mangling == kernel.MangleNone {
		return text
	}
	return kernel.Unmangle(text)
}

// checkShown refuses a name of the kernel that the mangling mode would not have made.
func (t *tool) checkShown(name string) error {
	if t.mangling == kernel.MangleNone {
		return nil
	}
	if t.mangling == kernel.MangleAuto && isTwice(name) {
		return failf("The name \"%s\" seems to be mangled more than once. This is not allowed in auto mode.", name)
	}
	if m, err := kernel.Mangle(name, kernel.MangleAuto); err != nil && !isTwice(name) || err == nil && m != name {
		return failf("The name \"%s\" should be mangled but it contains blacklisted characters.", name)
	}
	return nil
}

// mangleAll is the verb mangle. It takes names as the kernel has them.
func (t *tool) mangleAll(args []string) error {
	if d, ok, err := t.selected(); len(args) == 0 && (ok || err != nil) {
		if err != nil {
			return err
		}
		return t.mangle(d)
	}
	for _, arg := range args {
		if err := t.mangle(device{ref: kernel.ByName(arg), name: arg}); err != nil {
			return err
		}
	}
	if len(args) > 0 {
		return nil
	}
	entries, err := t.entries(false)
	return t.eachEntry(entries, err, (*tool).mangle)
}

// mangle renames a device whose name is not mangled as the mode wants it.
func (t *tool) mangle(d device) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	info, err := c.Info(d.ref, kernel.InfoOptions{})
	if err != nil {
		return errFailed
	}
	name, nerr := t.canonical(info.Name)
	uuid, uerr := t.canonical(info.UUID)
	if err := errors.Join(nerr, uerr); err != nil {
		return err
	}
	who, shown := info.Name, info.UUID
	if shown == "" {
		shown = "[no UUID]"
	}
	switch {
	case uuid != info.UUID:
		return failf("%s: %s: UUID in incorrect form. \nUnable to change device UUID. The device must be deactivated first.", who, shown)
	case name == info.Name && info.UUID == "":
		t.printf("%s: %s: name already in correct form\n", who, shown)
	case name == info.Name:
		t.printf("%s: %s: name and UUID already in correct form\n", who, shown)
	}
	if name == info.Name {
		return nil
	}
	t.printf("%s: renaming to %s\n", who, name)
	udev, err := t.udevOptions()
	if err != nil {
		return err
	}
	if _, err := c.Rename(t.ctx, kernel.ByName(info.Name), name, udev.options); err != nil {
		return errFailed
	}
	return udev.done()
}

// canonical is a name of the kernel as the mode would have made it.
func (t *tool) canonical(text string) (string, error) {
	plain := kernel.Unmangle(text)
	if t.mangling == kernel.MangleNone {
		return plain, nil
	}
	m, err := kernel.Mangle(plain, kernel.MangleHex)
	if err != nil {
		return "", failf("%w", err)
	}
	return m, nil
}
