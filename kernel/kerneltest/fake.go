package kerneltest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// Minor is the minor number of the interface that the fake has by default: that of Linux
// 6.12.
const Minor = 48

// Major is the major number of the fake's devices.
const Major = 253

// Options of a [Kernel].
type Options struct {
	Minor uint32 // of the interface, 4.Minor.0; 0: the default
	Udev  Udev   // zero: there is no udev
	// Tolerant keeps the fake from failing the test for what a real kernel accepts.
	Tolerant bool
}

// Kernel is a fake kernel. It is a [kernel.System]; its methods may be called
// concurrently.
type Kernel struct {
	t       testing.TB
	options Options
	codec   dmioctl.Codec

	mu       sync.Mutex
	devices  []*device // in the order of their making
	disks    []*disk
	targets  map[string]*target
	faults   []*Fault
	calls    []string
	messages map[string]MessageFunc
	events   uint32        // the global counter
	changed  chan struct{} // closed at every event

	udev udevState
}

var _ kernel.System = (*Kernel)(nil)

// New makes a fake kernel. When the test ends, semaphores and nodes that nobody owns any
// more fail it.
func New(t testing.TB, o Options) *Kernel {
	t.Helper()
	if o.Minor == 0 {
		o.Minor = Minor
	}
	k := &Kernel{
		t: t, options: o, codec: dmioctl.Native, targets: builtinTargets(),
		messages: map[string]MessageFunc{}, changed: make(chan struct{}),
	}
	k.udev.init()
	t.Cleanup(k.checkLeaks)
	return k
}

// Open opens the fake's control device; System of o is set. It is closed when the test
// ends.
func (k *Kernel) Open(o kernel.Options) *kernel.Control {
	k.t.Helper()
	o.System = k
	c, err := kernel.Open(o)
	if err != nil {
		k.t.Fatalf("opening the fake control device: %v", err)
	}
	k.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			k.t.Errorf("closing the fake control device: %v", err)
		}
	})
	return c
}

// complain fails the test for something that a real kernel accepts without a word.
func (k *Kernel) complain(format string, args ...any) {
	if !k.options.Tolerant {
		k.t.Errorf("fake kernel: "+format, args...)
	}
}

// Calls are the commands so far, by their names: "version", "create", "load", "suspend",
// "resume", … Failed ones have an exclamation mark behind.
func (k *Kernel) Calls() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.calls)
}

// ForgetCalls empties the list of Calls.
func (k *Kernel) ForgetCalls() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = nil
}

// Devices are the names of the devices there are, as the kernel has them, sorted.
func (k *Kernel) Devices() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	names := make(map[string]bool)
	for _, d := range k.devices {
		names[d.name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// disk is a block device that is none of device-mapper's.
type disk struct {
	path    string
	devno   uint64
	sectors uint64
	claimed bool
}

// AddDisk makes a block device of this many bytes that tables may name by its path or its
// number, which is returned.
func (k *Kernel) AddDisk(path string, bytes uint64) (devno uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	devno = kernel.Mkdev(7, uint32(len(k.disks)))
	k.disks = append(k.disks, &disk{path: path, devno: devno, sectors: bytes / kernel.SectorSize})
	return devno
}

// Claim makes a disk be in use by something else, such as a mounted file system.
func (k *Kernel) Claim(path string, claimed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.disks {
		if d.path == path {
			d.claimed = claimed
			return
		}
	}
	k.t.Fatalf("there is no fake disk %s", path)
}

// Hold opens a device, as a program that uses it does, and returns how to close it.
func (k *Kernel) Hold(name string) (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.mustFind(name)
	d.opened++
	var once sync.Once
	return func() {
		once.Do(func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			d.opened--
			k.closed(d)
		})
	}
}

// Event lets a target of the device report something: its event counter goes up.
func (k *Kernel) Event(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mustFind(name).eventNr++
	k.globalEvent()
}

// SetStatus sets what the status of a device says, one text per target of the live table.
func (k *Kernel) SetStatus(name string, texts ...string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.mustFind(name)
	if d.live == nil || len(texts) != len(d.live.specs) {
		k.t.Fatalf("%s has not %d targets", name, len(texts))
	}
	d.live.status = slices.Clone(texts)
}

// Vanish removes a device at once, whoever has it open.
func (k *Kernel) Vanish(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop(k.mustFind(name), 0)
}

func (k *Kernel) mustFind(name string) *device {
	d := k.byName(name)
	if d == nil {
		k.t.Fatalf("there is no fake device %s", name)
	}
	return d
}

// globalEvent wakes whoever polls or waits. The caller holds the lock.
func (k *Kernel) globalEvent() {
	k.events++
	close(k.changed)
	k.changed = make(chan struct{})
}

// Fault makes calls fail.
type Fault struct {
	// Call is a command by its name in Calls, or "open", "semget", "semadd", "semwait",
	// "semremove", "mknod", "unlink", "stat".
	Call  string
	Err   error  // a syscall.Errno; nil: the call is not made to fail, only Before runs
	Skip  int    // calls to let through first
	Times int    // how often; 0: once
	After bool   // the command does its work and fails then
	Do    func() // runs before the call; nil: nothing
}

// Inject adds a fault.
func (k *Kernel) Inject(f Fault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	k.faults = append(k.faults, &f)
}

// fault takes the fault that is due for a call. The caller holds the lock, which is given
// up while the fault's function runs.
func (k *Kernel) fault(call string) (f Fault, ok bool) {
	for _, f := range k.faults {
		if f.Call != call || f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Times--
		if f.Do != nil {
			k.mu.Unlock()
			f.Do()
			k.mu.Lock()
		}
		return *f, true
	}
	return Fault{}, false
}

// failing is fault for calls that just fail.
func (k *Kernel) failing(call string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, _ := k.fault(call)
	return f.Err
}

func (k *Kernel) String() string {
	return fmt.Sprintf("fake kernel with interface 4.%d.0", k.options.Minor)
}
