package dropin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
)

// Machine is where the actions on live devices work. The zero value is this machine.
type Machine struct {
	System  kernel.System    // nil: [kernel.Machine]
	Keyring activate.Keyring // nil: the kernel's
	// AttachLoop makes a block device of a file, which goes when nobody has it open; nil:
	// [activate.AttachLoop].
	AttachLoop func(file string, o activate.LoopOptions) (Loop, error)
	SysDir     string        // where sysfs is; "": /sys
	RemoveWait time.Duration // how long close waits for a device in use; 0: 5 s, as the tools do
}

// Loop is a block device over a file.
type Loop interface {
	Path() string
	Close() error
}

// libdmWait is how long the tools wait for a device in use: 25 attempts 200 ms apart.
const libdmWait = 5 * time.Second

func (m Machine) filled() Machine {
	if m.System == nil {
		m.System = kernel.Machine()
	}
	if m.AttachLoop == nil {
		m.AttachLoop = func(file string, o activate.LoopOptions) (Loop, error) { return activate.AttachLoop(file, o) }
	}
	if m.SysDir == "" {
		m.SysDir = "/sys"
	}
	if m.RemoveWait == 0 {
		m.RemoveWait = libdmWait
	}
	return m
}

// session is an action on live devices under way.
type session struct {
	machine Machine
	control *kernel.Control
	*activate.Activator
}

// withKernel runs an action over an open control device; status is that of a machine
// without device-mapper.
func (r *run) withKernel(status int, do func(s *session) error) (err error) {
	m := r.bodies.Machine.filled()
	c, err := kernel.Open(kernel.Options{System: m.System, Udev: udevMode()})
	switch {
	case errors.Is(err, kernel.ErrPermission):
		return exit.New(status, ui.ExitFailed, "Cannot initialize device-mapper, running as non-root user.")
	case err != nil:
		return exit.New(status, ui.ExitFailed, "Cannot initialize device-mapper. Is dm_mod kernel module loaded?")
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return do(&session{m, c, activate.New(c, activate.Options{Keyring: m.Keyring})})
}

// udevMode heeds what libdm does.
func udevMode() kernel.UdevSync {
	if v := os.Getenv("DM_DISABLE_UDEV"); v != "" && v != "0" {
		return kernel.UdevOff
	}
	return kernel.UdevAuto
}

// mapperDir is where nodes of devices are.
const mapperDir = "/dev/mapper/"

// named finds the device that a word means: its name, or the path of its node. shown is
// how the tools name it.
func (s *session) named(word string) (ref kernel.Ref, shown string, err error) {
	if !strings.HasPrefix(word, "/") {
		return kernel.ByName(word), mapperDir + word, nil
	}
	devno, err := s.machine.System.NodeDevno(word)
	if err != nil {
		return kernel.ByName(strings.TrimPrefix(word, mapperDir)), mapperDir + strings.TrimPrefix(word, mapperDir), nil
	}
	ref = kernel.ByDevno(devno)
	if _, err := s.control.Info(ref, kernel.InfoOptions{}); err != nil {
		return ref, word, exit.New(exit.Failed, ui.ExitFailed, fmt.Sprintf("Device %s not found", filepath.Base(word)))
	}
	return ref, word, nil
}

// maxName is the kernel's limit of a device's name in bytes.
const maxName = 127

// checkName refuses names as libdm does, before the kernel is asked.
func checkName(name string, status int) error {
	switch {
	case len(name) > maxName:
		return exit.New(status, ui.ExitWrongUse, fmt.Sprintf("Name \"%s\" too long.", name))
	case strings.Contains(name, "/"):
		return exit.New(status, ui.ExitWrongUse, fmt.Sprintf("Name \"%s\" invalid. It contains \"/\".", name))
	}
	return nil
}

// blockDevice is a file or device as the kernel can use it.
type blockDevice struct {
	path string // of a block device
	size int64  // bytes
	info os.FileInfo
	loop Loop // nil: it is a block device itself
}

// openSize finds the size of a file or block device.
func openSize(path string) (d blockDevice, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, deviceError(path, "does not exist or access denied")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if d.info, err = f.Stat(); err != nil {
		return d, err
	}
	if d.size, err = f.Seek(0, io.SeekEnd); err != nil {
		return d, err
	}
	d.path, err = filepath.Abs(path)
	return d, err
}

// attach makes a loop device if it is a file; blockSize is that of the loop device in bytes.
func (d *blockDevice) attach(m Machine, blockSize int) (err error) {
	if !d.info.Mode().IsRegular() {
		return nil
	}
	o := activate.LoopOptions{ReadOnly: true, BlockSize: uint32(min(blockSize, defaultBlockSize))}
	if d.loop, err = m.AttachLoop(d.path, o); err != nil {
		return exit.New(exit.Device, ui.ExitFailed, fmt.Sprintf("Attaching loopback device failed: %v.", err))
	}
	d.path = d.loop.Path()
	return nil
}

// release lets go of a loop device, which stays while a table uses it.
func (d *blockDevice) release() error {
	if d == nil || d.loop == nil {
		return nil
	}
	return d.loop.Close()
}
