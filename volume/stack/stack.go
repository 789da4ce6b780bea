// Package stack opens device-mapper devices that use each other: the tables of
// several named devices, of which one is wanted.
//
//	devices, err := tables.ParseDevices(f) // "a: 0 512 linear 7:0 0\nm: 0 256 striped 2 16 253:0 0 …"
//	s, err := stack.Open(stack.Options{
//		Map: map[string]string{"7:0": "disk.img", "253:0": "@a"},
//	}, devices, "m")
//	defer s.Close()
//	_, err = s.ReadAt(buf, 0)
//
// A device word of a table is looked up in this order: in Map; as
// /dev/mapper/NAME (or the mangled \xHH spelling of it) of a device in the set;
// as a path. Words like 7:0 mean a device of the machine that the table came
// from, so without an entry in Map they are volume.ErrNoDevice.
//
// Only the devices that the wanted one needs are opened, each once, and so is
// each file. It does not read tables from a running kernel, and does not guess
// what an image holds (package probe).
package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// maxDepth is how many devices may lie on top of each other: far more than
// anybody stacks, few enough for hostile input.
const maxDepth = 64

// Options say how to open a stack.
type Options struct {
	// Options are those of every device in the stack. A device that is marked
	// read-only is opened for reading even if Flag says otherwise.
	volume.Options
	// Map says what device words mean: a path, or "@NAME" for device NAME of
	// the set (a file of that name is written "./@NAME").
	Map map[string]string
}

// Stack is an open device with everything under it. It is a volume.Backend; its
// other methods are those of the device on top. Methods may be called
// concurrently.
type Stack struct {
	*volume.Mapped
	name string
	set  *set

	mu     sync.Mutex
	closed bool
}

// Open opens device name of devices, and what it needs; with an empty name the
// last device that no other one uses. When it fails, everything that was opened
// is closed again. Errors: volume.ErrNoDevice for a word or name that leads
// nowhere, volume.ErrLoop for devices that use themselves, and those of
// volume.Open.
func Open(o Options, devices []tables.Device, name string) (*Stack, error) {
	s, err := newSet(o, devices)
	if err != nil {
		return nil, err
	}
	top, err := s.top(name)
	if err != nil {
		return nil, err
	}
	m, err := s.open(top, 1)
	if err != nil {
		return nil, errors.Join(err, s.closeDevices(), s.pool.Abandon())
	}
	return &Stack{Mapped: m, name: top.device.Name, set: s}, nil
}

// Name is the name of the device on top; empty if the table gives none.
func (s *Stack) Name() string { return s.name }

// Sync makes what was written durable, in all files of the stack.
func (s *Stack) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("stack: syncing: %w", fs.ErrClosed)
	case s.ReadOnly():
		return nil
	}
	var errs []error
	for _, n := range slices.Backward(s.set.opened) {
		errs = append(errs, n.mapped.SyncEngines())
	}
	return errors.Join(append(errs, s.set.pool.Sync())...)
}

// Close closes all devices from the top down, then the files, and returns every
// error (errors.Join). A second Close gives fs.ErrClosed.
func (s *Stack) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("stack: closing: %w", fs.ErrClosed)
	}
	s.closed = true
	return errors.Join(s.set.closeDevices(), s.set.pool.Close())
}

// set is the devices of one Open.
type set struct {
	o      Options
	pool   *volume.Pool // the files
	nodes  []*node
	byName map[string]*node
	opened []*node // lowest first
}

// node is one device.
type node struct {
	device  tables.Device
	mapped  *volume.Mapped // nil until opened
	opening bool           // to notice circles
}

// String names the device for errors.
func (n *node) String() string {
	if n.device.Name == "" {
		return "the device"
	}
	return fmt.Sprintf("device %q", n.device.Name)
}

func newSet(o Options, devices []tables.Device) (*set, error) {
	s := &set{o: o, pool: volume.NewPool(o.Options), byName: make(map[string]*node)}
	for _, d := range devices {
		if s.byName[d.Name] != nil {
			return nil, fmt.Errorf("stack: two devices are called %q: %w", d.Name, fs.ErrInvalid)
		}
		n := &node{device: d}
		s.nodes = append(s.nodes, n)
		s.byName[d.Name] = n
	}
	return s, nil
}

// open opens n, depth devices from the top, unless it is open already.
func (s *set) open(n *node, depth int) (*volume.Mapped, error) {
	switch {
	case n.mapped != nil:
		return n.mapped, nil
	case n.opening:
		return nil, fmt.Errorf("stack: %s: %w", n, volume.ErrLoop)
	case depth > maxDepth:
		return nil, fmt.Errorf("stack: more than %d devices on top of each other: %w", maxDepth, volume.ErrUnsupported)
	}
	n.opening = true
	defer func() { n.opening = false }()
	o := s.o.Options
	if n.device.ReadOnly {
		o.Flag &^= os.O_RDWR | os.O_CREATE
	}
	m, err := volume.OpenIn(&env{set: s, depth: depth}, o, n.device.Tables...)
	if err != nil {
		return nil, fmt.Errorf("stack: %s: %w", n, err)
	}
	n.mapped = m
	s.opened = append(s.opened, n)
	return m, nil
}

// closeDevices closes what is open, from the top down.
func (s *set) closeDevices() error {
	var errs []error
	for _, n := range slices.Backward(s.opened) {
		if err := n.mapped.Close(); err != nil {
			errs = append(errs, fmt.Errorf("stack: %s: %w", n, err))
		}
	}
	return errors.Join(errs...)
}
