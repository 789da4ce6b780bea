package loop

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const control = "/dev/loop-control"

// attempts bounds how often another program may take the free device first.
const attempts = 64

// Attach makes a block device of a file.
func Attach(file string, options Options) (*Device, error) {
	d, err := attach(file, options)
	if err != nil {
		return nil, fmt.Errorf("loop: attaching %q: %w", file, err)
	}
	return d, nil
}

func attach(file string, options Options) (*Device, error) {
	mode := os.O_RDWR
	if options.ReadOnly {
		mode = os.O_RDONLY
	}
	backing, err := os.OpenFile(file, mode, 0)
	if err != nil {
		return nil, err
	}
	defer backing.Close() // the device keeps its own reference
	config := unix.LoopConfig{
		Fd: uint32(backing.Fd()), Size: options.BlockSize,
		Info: unix.LoopInfo64{Offset: options.Offset, Sizelimit: options.Size},
	}
	copy(config.Info.File_name[:unix.LO_NAME_SIZE-1], file)
	if options.ReadOnly {
		config.Info.Flags = unix.LO_FLAGS_READ_ONLY
	}
	for range attempts {
		path, err := free()
		if err != nil {
			return nil, err
		}
		if err = configure(path, mode, &config); err == nil {
			return &Device{path}, nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("no free device in %d attempts: %w", attempts, unix.EBUSY)
}

// free returns the path of a device that nothing is attached to.
func free() (string, error) {
	f, err := os.OpenFile(control, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	n, err := unix.IoctlRetInt(int(f.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return "", fmt.Errorf("%s: %w", control, err)
	}
	return fmt.Sprintf("/dev/loop%d", n), nil
}

func configure(path string, mode int, config *unix.LoopConfig) error {
	f, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.IoctlLoopConfigure(int(f.Fd()), config)
}

// Detach takes the file off the device, when the last that has it open closes it.
// The second call does nothing.
func (d *Device) Detach() error {
	if d.path == "" {
		return nil
	}
	f, err := os.OpenFile(d.path, os.O_RDONLY, 0)
	if err != nil {
		return fmt.Errorf("loop: detaching: %w", err)
	}
	err = errors.Join(unix.IoctlSetInt(int(f.Fd()), unix.LOOP_CLR_FD, 0), f.Close())
	if err != nil {
		return fmt.Errorf("loop: detaching %s: %w", d.path, err)
	}
	d.path = ""
	return nil
}
