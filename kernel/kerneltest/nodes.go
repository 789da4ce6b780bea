package kerneltest

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"syscall"
)

// nodeDir is where the nodes are.
const nodeDir = "/dev/mapper/"

// node is a block device node, or a link to one.
type node struct {
	devno    uint64 // 0: something else, such as a folder
	link     bool   // made by udev
	mode     fs.FileMode
	uid, gid int
}

// Node is what stands below /dev/mapper.
type Node struct {
	Devno    uint64
	Link     bool // to the node of the kernel, made by udev
	Mode     fs.FileMode
	UID, GID int
}

// Nodes are the nodes and links below /dev/mapper, without "control".
func (k *Kernel) Nodes() map[string]Node {
	k.mu.Lock()
	defer k.mu.Unlock()
	nodes := make(map[string]Node)
	for p, n := range k.udev.nodes {
		nodes[path.Base(p)] = Node{n.devno, n.link, n.mode, n.uid, n.gid}
	}
	return nodes
}

// AddNode puts something below /dev/mapper: a node or a link; with the number 0 a plain file.
func (k *Kernel) AddNode(name string, n Node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.udev.nodes[nodeDir+name] = node{n.Devno, n.Link, n.Mode, n.UID, n.GID}
}

// follow is the number of the block device that a path leads to; 0: none.
func (u *udevState) follow(path string) uint64 { return u.nodes[path].devno }

// MakeNode makes a node.
func (k *Kernel) MakeNode(path string, devno uint64, mode fs.FileMode, uid, gid int) error {
	if err := k.failing("mknod"); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.udev.nodes[path]; ok {
		return syscall.EEXIST
	}
	k.udev.nodes[path] = node{devno: devno, mode: mode, uid: uid, gid: gid}
	return nil
}

// NodeDevno follows a path.
func (k *Kernel) NodeDevno(path string) (uint64, error) {
	if err := k.failing("stat"); err != nil {
		return 0, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	n, ok := k.udev.nodes[path]
	switch {
	case !ok, n.link && k.byDevno(n.devno) == nil:
		return 0, syscall.ENOENT
	case n.devno == 0:
		return 0, syscall.ENOTBLK
	}
	return n.devno, nil
}

// RenameNode moves a node.
func (k *Kernel) RenameNode(oldpath, newpath string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, ok := k.udev.nodes[oldpath]
	if !ok {
		return syscall.ENOENT
	}
	delete(k.udev.nodes, oldpath)
	k.udev.nodes[newpath] = n
	return nil
}

// RemoveNode removes a node.
func (k *Kernel) RemoveNode(path string) error {
	if err := k.failing("unlink"); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.udev.nodes[path]; !ok {
		return syscall.ENOENT
	}
	delete(k.udev.nodes, path)
	return nil
}

// ListNodes lists a folder.
func (k *Kernel) ListNodes(dir string) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	names := []string{"control"}
	for _, p := range slices.Sorted(maps.Keys(k.udev.nodes)) {
		if path.Dir(p) == path.Clean(dir) {
			names = append(names, path.Base(p))
		}
	}
	return names, nil
}
