package dmsetup

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// device is a device as the command line or a list names it.
type device struct {
	ref    kernel.Ref
	name   string // as the kernel has it; "": not known
	uuid   string // as the kernel has it; only when the device was named by it
	devno  uint64 // only when it was named by it, or just made
	title  string // what the command line or a list calls it; "": it was named by UUID or number
	listed bool   // one of several: its title stands in front of what is printed
}

// number is "(major:minor)" in errors.
func (d device) number() string {
	if d.devno == 0 {
		return ""
	}
	return fmt.Sprintf("(%d:%d)", kernel.Major(d.devno), kernel.Minor(d.devno))
}

var errNoDevice = failf("No device specified.")

// named finds the device that an argument names: a name, or a path that leads to it.
func (t *tool) named(arg string) (device, error) {
	if strings.Contains(arg, "/") {
		found, err := t.nameOfPath(arg)
		if err != nil {
			return device{}, err
		}
		return device{ref: kernel.ByName(found), name: found, title: arg}, nil
	}
	name, err := t.mangled("name", arg, maxName)
	if err != nil {
		return device{}, err
	}
	return device{ref: kernel.ByName(name), name: name, title: arg}, nil
}

// selected is the device that --uuid, or --major and --minor, mean; ok is false if they
// are not given.
func (t *tool) selected() (d device, ok bool, err error) {
	switch {
	case t.has("uuid"):
		uuid, err := t.mangled("uuid", t.values["uuid"], maxUUID)
		return device{ref: kernel.ByUUID(uuid), uuid: uuid}, true, err
	case t.has("major"):
		major := uint32(atoi(t.values["major"]))
		if major == 0 {
			return device{}, false, failf("Missing major number for persistent device.\nCouldn't create ioctl argument.")
		}
		devno := kernel.Mkdev(major, uint32(atoi(t.values["minor"])))
		return device{ref: kernel.ByDevno(devno), devno: devno}, true, nil
	}
	return device{}, false, nil
}

// nameOfPath finds the name of the device behind a path, as the kernel has it. A path that
// does not begin at the root may also be one below /dev.
func (t *tool) nameOfPath(path string) (string, error) {
	candidates := []string{path}
	if !strings.HasPrefix(path, "/") {
		candidates = []string{t.devDir + "/" + path, path}
	}
	for _, p := range candidates {
		devno, err := t.host.System.NodeDevno(p)
		if err != nil {
			continue
		}
		c, err := t.open()
		if err != nil {
			return "", err
		}
		info, err := c.Info(kernel.ByDevno(devno), kernel.InfoOptions{})
		if err != nil {
			return "", failf("Device %s not found", filepath.Base(p))
		}
		return info.Name, nil
	}
	return "", failf("Device %s not found", path)
}

// each makes a verb for one device one for all that the command line names.
func each(run func(*tool, device) error) func(*tool, []string) error {
	return func(t *tool, args []string) error {
		if len(args) == 0 {
			d, ok, err := t.selected()
			if err == nil && !ok {
				err = errNoDevice
			}
			if err != nil {
				return err
			}
			return run(t, d)
		}
		return t.eachOf(args, run)
	}
}

// eachOf runs a verb for every device named, until it fails.
func (t *tool) eachOf(args []string, run func(*tool, device) error) error {
	for _, arg := range args {
		d, err := t.named(arg)
		if err != nil {
			return err
		}
		d.listed = len(args) > 1
		if err := run(t, d); err != nil {
			return err
		}
	}
	return nil
}

// eachOrAll is each, with all devices when none is named.
func eachOrAll(run func(*tool, device) error) func(*tool, []string) error {
	return func(t *tool, args []string) error {
		if len(args) > 0 {
			return t.eachOf(args, run)
		}
		if d, ok, err := t.selected(); ok || err != nil {
			if err != nil {
				return err
			}
			return run(t, d)
		}
		return t.eachListed(run)
	}
}

// eachListed runs a verb for every device there is, whether it fails for another or not.
func (t *tool) eachListed(run func(*tool, device) error) error {
	entries, err := t.entries(true)
	return t.eachEntry(entries, err, run)
}

func (t *tool) eachEntry(entries []kernel.Entry, err error, run func(*tool, device) error) error {
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		t.printf("No devices found\n")
		return nil
	}
	var failed error
	for _, e := range entries {
		err := run(t, device{ref: kernel.ByName(e.Name), name: e.Name, title: t.show(e.Name), listed: true})
		if err != nil && t.ctx.Err() != nil {
			return err
		}
		if text := fmt.Sprint(err); err != nil {
			if text != "" {
				t.sayf("%s", text)
			}
			failed = errFailed
		}
	}
	return failed
}

// entries lists the devices, with names as the kernel has them; with check the mangling
// mode must be able to show all of them.
func (t *tool) entries(check bool) ([]kernel.Entry, error) {
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	entries, err := c.List(kernel.ListOptions{})
	if err != nil {
		return nil, ioctlError("list", device{}, err)
	}
	for _, e := range entries {
		if err := t.checkShown(e.Name); check && err != nil {
			return nil, err
		}
	}
	return entries, nil
}
