package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// node is what a verb did to the nodes of a device. Names are the kernel's.
type node struct {
	make    string // "": none
	remove  string // "": none
	devno   uint64 // of what is to be made
	options NodeOptions
	flags   UdevFlags
}

// defaultMode of nodes that this package makes.
const defaultMode fs.FileMode = 0o600

// settle sets the nodes right. After a wait for udev there is mostly nothing left to do,
// but that is looked at: a udev in another mount namespace, or without device-mapper's
// rules, makes no node here.
func (c *Control) settle(n node, waited bool) error {
	if n.flags&UdevNoLibraryFallback != 0 {
		return nil
	}
	for _, name := range []string{n.make, n.remove} {
		if strings.IndexByte(name, '/') >= 0 || name == "." || name == ".." { // the kernel lets none through
			return fmt.Errorf("%w: the kernel's name %q cannot be that of a node", ErrInvalid, name)
		}
	}
	if n.make != "" && n.remove != "" && c.leadsTo(n.remove, n.devno) && !c.leadsTo(n.make, n.devno) {
		if err := c.system.RenameNode(c.nodePath(n.remove), c.nodePath(n.make)); err == nil {
			return nil
		}
	}
	if n.make != "" {
		if err := c.makeNode(n.make, n.devno, n.options); err != nil {
			return err
		}
	}
	if n.remove != "" && n.remove != n.make {
		return c.removeNode(n.remove, waited)
	}
	return nil
}

func (c *Control) nodePath(name string) string { return c.options.Dir + "/" + name }

func (c *Control) leadsTo(name string, devno uint64) bool {
	have, err := c.system.NodeDevno(c.nodePath(name))
	return err == nil && have == devno
}

// makeNode makes the node of a device unless it is there. A node of another device and a
// link that leads nowhere are left over from a device that is gone, and replaced; anything
// else that has the name is not touched.
func (c *Control) makeNode(name string, devno uint64, o NodeOptions) error {
	path := c.nodePath(name)
	have, err := c.system.NodeDevno(path)
	switch {
	case err == nil && have == devno:
		return nil
	case err != nil && !errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("making the node: %w", err)
	}
	mode := o.Mode.Perm()
	if mode == 0 {
		mode = defaultMode
	}
	err = syscall.EEXIST
	if have == 0 {
		err = c.system.MakeNode(path, devno, mode, o.UID, o.GID)
	}
	if errors.Is(err, syscall.EEXIST) {
		if c.leadsTo(name, devno) { // udev was faster
			return nil
		}
		if err := c.system.RemoveNode(path); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("replacing the node: %w", err)
		}
		err = c.system.MakeNode(path, devno, mode, o.UID, o.GID)
	}
	if errors.Is(err, syscall.EEXIST) && c.leadsTo(name, devno) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the node: %w", err)
	}
	return nil
}

// removeNode removes the node of a device that is gone, or the link to it. After a wait for
// udev a node that is there may well be that of another device, made since with the name.
func (c *Control) removeNode(name string, waited bool) error {
	path := c.nodePath(name)
	devno, err := c.system.NodeDevno(path)
	if err != nil && (waited || !errors.Is(err, syscall.ENOENT)) {
		return nil // not there, or not ours
	}
	if waited {
		h, err := c.do(context.Background(), call{command: dmioctl.CmdInfo, ref: ByDevno(devno)}, nil)
		if err == nil && h.Name == name {
			return nil
		}
	}
	if err := c.system.RemoveNode(path); err != nil && !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("removing the node: %w", err)
	}
	return nil
}

// MakeNodes makes the node of a device below /dev/mapper if it is missing, and removes it
// if there is no such device, as dmsetup mknodes does. The zero Ref means all devices, and
// all block devices and dangling links that are there. Devices without a table have no
// node. o are owner and mode of those that it makes.
func (c *Control) MakeNodes(ref Ref, o NodeOptions) error {
	if ref.by != byNothing {
		return c.makeNodesOf(ref, o)
	}
	devices, err := c.names(0)
	if err != nil {
		return err
	}
	known := map[string]bool{"control": true}
	for _, d := range devices {
		known[d.Name] = true
		err = errors.Join(err, c.makeNodesOf(ByDevno(d.Dev), o))
	}
	names, lerr := c.system.ListNodes(c.options.Dir)
	if lerr != nil && !errors.Is(lerr, syscall.ENOENT) {
		return errors.Join(err, wrap("make-nodes", "", nil, lerr))
	}
	for _, name := range names {
		if !known[name] {
			err = errors.Join(err, c.removeStray(name))
		}
	}
	return err
}

func (c *Control) makeNodesOf(ref Ref, o NodeOptions) error {
	h, err := c.do(context.Background(), call{op: "make-nodes", command: dmioctl.CmdInfo, ref: ref}, nil)
	switch {
	case errors.Is(err, ErrNotFound) && ref.by == byName:
		name, _ := c.kernelName(ref.text) // the call has checked it
		return c.removeStray(name)
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case h.Flags&dmioctl.FlagActivePresent == 0 || strings.IndexByte(h.Name, '/') >= 0:
		return nil
	}
	if err := c.makeNode(h.Name, h.Dev, o); err != nil {
		return wrap("make-nodes", ref.String(), nil, err)
	}
	return nil
}

// removeStray removes a block device or a link whose device is gone.
func (c *Control) removeStray(name string) error {
	path := c.nodePath(name)
	if _, err := c.system.NodeDevno(path); err != nil && !errors.Is(err, syscall.ENOENT) {
		return nil // no block device
	}
	if err := c.system.RemoveNode(path); err != nil && !errors.Is(err, syscall.ENOENT) {
		return wrap("make-nodes", name, nil, err)
	}
	return nil
}
