package dmsetup

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// Owner and mode of the nodes that are made where udev does not make them, as
// distributions build dmsetup: root, group disk, 0660.
const (
	nodeGroup             = 6
	nodeMode  fs.FileMode = 0o660
)

// newDevice is a device to be made. Names are as the command line has them.
type newDevice struct {
	name, uuid string
	major      int // 0: not given
	minor      *uint32
	readOnly   bool
	noTable    bool // not even an empty one is asked for
	lines      []tables.Line
}

// create makes a device, or those of a concise list.
func (t *tool) create(args []string) error {
	if t.has("concise") {
		return t.createConcise(args)
	}
	if len(args) == 0 {
		return failf("Please provide a name for the new device.")
	}
	d := newDevice{name: args[0], uuid: t.values["uuid"], readOnly: t.has("readonly"), noTable: t.has("notable")}
	if t.has("major") {
		minor := uint32(atoi(t.values["minor"]))
		d.major, d.minor = atoi(t.values["major"]), &minor
	}
	if !d.noTable {
		file := ""
		if len(args) > 1 {
			file = args[1]
		}
		var err error
		if d.lines, err = t.tableOption(file); err != nil {
			return err
		}
	}
	return t.createDevice(d)
}

// checkNewName refuses what no device can be called.
func (t *tool) checkNewName(name string) (string, error) {
	if strings.Contains(name, "/") {
		return "", failf("Name \"%s\" invalid. It contains \"/\".", name)
	}
	return t.mangled("name", name, maxName)
}

// createDevice makes a device, loads its table and resumes it; a device that gets no table
// is left as it is. What fails half way is undone.
func (t *tool) createDevice(n newDevice) error {
	name, err := t.checkNewName(n.name)
	if err != nil {
		return err
	}
	uuid, err := t.mangled("uuid", n.uuid, maxUUID)
	if err != nil {
		return err
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	if err := t.checkCookie(); err != nil {
		return err
	}
	d := device{ref: kernel.ByName(name), name: name}
	info, err := c.Create(name, kernel.CreateOptions{UUID: uuid, Minor: n.minor})
	if err != nil {
		d.uuid = uuid
		if n.minor != nil {
			d.devno = kernel.Mkdev(uint32(n.major), *n.minor)
		}
		return ioctlError("create", d, err)
	}
	d.devno = info.DevNo
	if len(n.lines) == 0 {
		return t.created(d)
	}
	if err := t.loadAndResume(d, n); err != nil {
		return t.revert(d, err)
	}
	return t.created(d)
}

// revert removes a device that could not be finished.
func (t *tool) revert(d device, why error) error {
	udev, err := t.udevOptions()
	if err == nil {
		o := kernel.RemoveOptions{Retry: true, Udev: udev.options}
		_, err = t.control.Remove(context.WithoutCancel(t.ctx), d.ref, o)
		if errors.Is(err, kernel.ErrNotFound) {
			err = nil
		}
		err = errors.Join(err, udev.done())
	}
	if err != nil {
		t.sayf("%v\n%v", why, ioctlError("remove", d, err))
		return failf("Failed to revert device creation.")
	}
	return why
}

func (t *tool) loadAndResume(d device, n newDevice) error {
	if n.major != 0 && uint32(n.major) != kernel.Major(d.devno) {
		return failf("The major number of devices is %d: it cannot be %d.", kernel.Major(d.devno), n.major)
	}
	if err := t.loadLines(d, n.lines, n.readOnly); err != nil {
		return err
	}
	return t.resumeDevice(d)
}

// loadLines stages a table.
func (t *tool) loadLines(d device, lines []tables.Line, readOnly bool) error {
	ts, err := tablesOf(lines)
	if len(lines) == 0 { // the kernel looks for the device first
		_, err = t.control.Info(d.ref, kernel.InfoOptions{})
	}
	if err == nil {
		_, err = t.control.Load(d.ref, kernel.LoadOptions{ReadOnly: readOnly, Unchecked: true}, ts...)
	}
	if err != nil {
		return ioctlError("reload", d, err)
	}
	return nil
}

// created ends the making of a device.
func (t *tool) created(d device) error {
	if t.has("addnodeoncreate") {
		o := t.nodeOptions()
		err := t.host.System.MakeNode(t.nodeDir()+"/"+d.name, d.devno, o.Mode, o.UID, o.GID)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return failf("%s/%s: the node cannot be made: %s", t.nodeDir(), d.name, strerror(err))
		}
	}
	return t.ifVerbose(d)
}

// nodeOptions are owner and mode of new nodes.
func (t *tool) nodeOptions() kernel.NodeOptions {
	o := kernel.NodeOptions{Mode: nodeMode, GID: nodeGroup}
	if t.has("mode") {
		mode, _ := strconv.ParseUint(t.values["mode"], 8, 12) // checked before
		o.Mode = fs.FileMode(mode)
	}
	if t.has("uid") {
		o.UID = atoi(t.values["uid"])
	}
	if t.has("gid") {
		o.GID = atoi(t.values["gid"])
	}
	return o
}
