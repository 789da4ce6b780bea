package live

import (
	"errors"
	"fmt"
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

// Session is an action on live devices under way.
type Session struct {
	Machine Machine // with nothing left out
	Control *kernel.Control
	*activate.Activator
}

// With runs an action over an open control device; status is that of a machine without
// device-mapper.
func (m Machine) With(status int, do func(s *Session) error) (err error) {
	m = m.filled()
	c, err := kernel.Open(kernel.Options{System: m.System, Udev: udevMode()})
	switch {
	case errors.Is(err, kernel.ErrPermission):
		return exit.New(status, ui.ExitFailed, "Cannot initialize device-mapper, running as non-root user.")
	case err != nil:
		return exit.New(status, ui.ExitFailed, "Cannot initialize device-mapper. Is dm_mod kernel module loaded?")
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return do(&Session{m, c, activate.New(c, activate.Options{Keyring: m.Keyring})})
}

// udevMode heeds what libdm does.
func udevMode() kernel.UdevSync {
	if v := os.Getenv("DM_DISABLE_UDEV"); v != "" && v != "0" {
		return kernel.UdevOff
	}
	return kernel.UdevAuto
}

// Dir is where nodes of devices are.
const Dir = "/dev/mapper/"

// UUIDPrefix begins the UUIDs of devices of cryptsetup and its relatives; the next word
// says what they are.
const UUIDPrefix = "CRYPT-"

// Named finds the device that a word means: its name, or the path of its node. shown is
// how the tools name it.
func (s *Session) Named(word string) (ref kernel.Ref, shown string, err error) {
	if !strings.HasPrefix(word, "/") {
		return kernel.ByName(word), Dir + word, nil
	}
	devno, err := s.Machine.System.NodeDevno(word)
	if err != nil {
		return kernel.ByName(strings.TrimPrefix(word, Dir)), Dir + strings.TrimPrefix(word, Dir), nil
	}
	ref = kernel.ByDevno(devno)
	if _, err := s.Control.Info(ref, kernel.InfoOptions{}); err != nil {
		return ref, word, exit.New(exit.Failed, ui.ExitFailed, fmt.Sprintf("Device %s not found", filepath.Base(word)))
	}
	return ref, word, nil
}

// maxName is the kernel's limit of a device's name in bytes.
const maxName = 127

// CheckWord refuses what is neither the path of a node nor short enough for a name.
func CheckWord(word string, status int) error {
	if len(word) > maxName && !strings.HasPrefix(word, "/") {
		return CheckName(word, status)
	}
	return nil
}

// CheckName refuses names as libdm does, before the kernel is asked.
func CheckName(name string, status int) error {
	switch {
	case len(name) > maxName:
		return exit.New(status, ui.ExitWrongUse, fmt.Sprintf("Name \"%s\" too long.", name))
	case strings.Contains(name, "/"):
		return exit.New(status, ui.ExitWrongUse, fmt.Sprintf("Name \"%s\" invalid. It contains \"/\".", name))
	}
	return nil
}
