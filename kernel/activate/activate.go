package activate

import (
	"io"
	"os"

	"github.com/dmimg/dmimg/kernel"
)

// Activator makes and removes devices. Its methods may be called concurrently; those that
// wait take a context, and undo what they did when it ends.
type Activator struct {
	control *kernel.Control
	options Options
}

// Options of an [Activator]. The zero value is that of this machine.
type Options struct {
	// Keyring takes the keys; nil: the kernel's.
	Keyring Keyring
	// Dir is where nodes of devices are, as in kernel.Options; "": /dev/mapper.
	Dir string
	// Open opens the node of a device that is to be read after its activation; nil:
	// os.Open.
	Open func(path string) (io.ReadCloser, error)
	// ProcDir is where the processes' file system is, which tells what is mounted; "":
	// /proc.
	ProcDir string
}

// New makes an Activator over a control device, which stays the caller's.
func New(c *kernel.Control, o Options) *Activator {
	if o.Keyring == nil {
		o.Keyring = machineKeyring{}
	}
	if o.Dir == "" {
		o.Dir = "/dev/mapper"
	}
	if o.Open == nil {
		o.Open = func(path string) (io.ReadCloser, error) { return os.Open(path) }
	}
	if o.ProcDir == "" {
		o.ProcDir = "/proc"
	}
	return &Activator{control: c, options: o}
}

// node is the path of the node of a device.
func (a *Activator) node(name string) (string, error) {
	mangled, err := kernel.Mangle(name, kernel.MangleAuto)
	return a.options.Dir + "/" + mangled, err
}
