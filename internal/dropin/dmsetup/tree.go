package dmsetup

import (
	"errors"
	"slices"

	"github.com/dmimg/dmimg/kernel"
)

// node is a device in the graph of who uses whom.
type node struct {
	devno  uint64
	info   kernel.Info // of a mapped device
	mapped bool
	uses   []*node
	usedBy []*node
}

// graph is what all devices use, in the order of the list.
type graph struct {
	listed []*node
	nodes  map[uint64]*node
	leaves []*node // use nothing; in the order in which they were met
}

// graph asks for all devices and what their live tables use, also with --inactive.
func (t *tool) graph() (*graph, error) {
	entries, err := t.entries(true)
	if err != nil {
		return nil, err
	}
	g := &graph{nodes: make(map[uint64]*node)}
	for _, e := range entries {
		n, err := t.meet(g, e.DevNo)
		if err != nil {
			return nil, err
		}
		if n != nil {
			g.listed = append(g.listed, n)
		}
	}
	return g, nil
}

// meet is the node of a device; it is nil for one that was removed meanwhile. The kernel
// makes no circles of devices.
func (t *tool) meet(g *graph, devno uint64) (*node, error) {
	if n := g.nodes[devno]; n != nil {
		return n, nil
	}
	n := &node{devno: devno}
	ref := kernel.ByDevno(devno)
	info, err := t.control.Info(ref, kernel.InfoOptions{})
	var deps []uint64
	switch {
	case err == nil:
		n.info, n.mapped = info, true
		deps, err = t.control.Deps(ref, kernel.DepsOptions{})
		if errors.Is(err, kernel.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, ioctlError("deps", device{devno: devno}, err)
		}
	case !errors.Is(err, kernel.ErrNotFound):
		return nil, ioctlError("info", device{devno: devno}, err)
	}
	g.nodes[devno] = n
	for _, dep := range deps {
		child, err := t.meet(g, dep)
		if err != nil {
			return nil, err
		}
		if child != nil {
			n.uses = append(n.uses, child)
			child.usedBy = append(child.usedBy, n)
		}
	}
	if len(n.uses) == 0 {
		g.leaves = append(g.leaves, n)
	}
	return n, nil
}

// roots are the devices that nobody uses.
func (g *graph) roots() []*node {
	return slices.DeleteFunc(slices.Clone(g.listed), func(n *node) bool { return len(n.usedBy) > 0 })
}
