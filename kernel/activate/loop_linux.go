package activate

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel"
)

const loopControl = "/dev/loop-control"

// loopAttempts bounds how often somebody else may take the free device first.
const loopAttempts = 64

// AttachLoop makes a block device of a file. It needs root and Linux 5.8.
// kernel.ErrNotSupported on anything but Linux.
func AttachLoop(file string, o LoopOptions) (*Loop, error) {
	l, err := attachLoop(file, o)
	if err != nil {
		return nil, fmt.Errorf("activate: making a loop device of %q: %w", file, err)
	}
	return l, nil
}

func attachLoop(file string, o LoopOptions) (*Loop, error) {
	mode, flags := os.O_RDWR, uint32(unix.LO_FLAGS_AUTOCLEAR)
	if o.ReadOnly {
		mode, flags = os.O_RDONLY, flags|unix.LO_FLAGS_READ_ONLY
	}
	backing, err := os.OpenFile(file, mode, 0)
	if err != nil {
		return nil, err
	}
	defer backing.Close() // the device has a reference of its own
	config := unix.LoopConfig{
		Fd: uint32(backing.Fd()), Size: o.BlockSize,
		Info: unix.LoopInfo64{Offset: o.Offset, Sizelimit: o.Size, Flags: flags},
	}
	copy(config.Info.File_name[:unix.LO_NAME_SIZE-1], file)
	for range loopAttempts {
		path, err := freeLoop()
		if err != nil {
			return nil, err
		}
		device, err := os.OpenFile(path, mode, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			return &Loop{path: path, close: device.Close}, nil
		}
		if err = errors.Join(err, device.Close()); !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("%w: others took the free device %d times", kernel.ErrBusy, loopAttempts)
}

// freeLoop is the path of a device that nothing is attached to.
func freeLoop() (path string, err error) {
	f, err := os.OpenFile(loopControl, os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("%w (is the module loop loaded?)", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := unix.IoctlRetInt(int(f.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return "", fmt.Errorf("%s: %w", loopControl, err)
	}
	return fmt.Sprintf("/dev/loop%d", n), nil
}
