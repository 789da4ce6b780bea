package cli

import (
	"errors"
	"runtime"
	"syscall"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

// withoutKernel is what works where the kernel cannot be used.
const withoutKernel = "the same table is read without the kernel and without root by: dmimg volume read --table FILE"

// explainOpen says what to do when there is no control device.
func explainOpen(err error) error {
	switch {
	case runtime.GOOS != "linux" && errors.Is(err, kernel.ErrNotSupported):
		return ui.Hint(err, "%s", withoutKernel)
	case errors.Is(err, kernel.ErrPermission):
		return ui.Hint(err, "run it as root, in a container with --privileged; %s", withoutKernel)
	case errors.Is(err, kernel.ErrNotSupported):
		return ui.Hint(err, "load device-mapper (modprobe dm_mod), and in a container pass /dev/mapper/control in; %s", withoutKernel)
	}
	return err
}

// explainKernel says what to do about what a call of the kernel returned. Errors that have a hint stay as they are.
func explainKernel(err error) error {
	var known *ui.Error
	var failed *kernel.Error
	if errors.As(err, &known) || !errors.As(err, &failed) {
		return err
	}
	if hint := kernelHint(failed.Op, failed); hint != "" {
		return ui.Hint(err, "%s", hint)
	}
	return err
}

// kernelHint is what can be done about the error of a command.
func kernelHint(op string, err error) string {
	switch {
	case errors.Is(err, kernel.ErrPermission):
		return "run it as root (CAP_SYS_ADMIN in the initial user namespace)"
	case errors.Is(err, kernel.ErrUdevTimeout):
		return "what was asked is done; is udevd running? --no-udev does without it"
	case op == "load":
		return loadHint(err)
	case op == "message" && errors.Is(err, kernel.ErrInvalid):
		return "the message goes to the target at SECTOR of the live table; dmimg kernel table shows which one that is"
	case op == "target-version" && errors.Is(err, kernel.ErrNotFound):
		return "the kernel has no module for it; dmimg kernel targets lists those that are loaded"
	case errors.Is(err, kernel.ErrNotFound):
		return "dmimg kernel ls lists the devices"
	case errors.Is(err, kernel.ErrExists):
		return "dmimg kernel ls shows who has the name, the UUID or the minor number"
	case op == "remove" && errors.Is(err, kernel.ErrBusy):
		return "something has it open: unmount it, or give --retry (tries for 5 s) or --deferred (goes when it is closed)"
	}
	return ""
}

// loadHint is where to look when the kernel refused a table that passed our checks.
func loadHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENOTBLK):
		return "tables name block devices, by path or major:minor; an image file becomes one with: losetup --find --show FILE"
	case errors.Is(err, kernel.ErrBusy):
		return "a device that the table names is mounted or used by another device"
	case errors.Is(err, kernel.ErrNotFound):
		return "dmimg kernel ls lists the devices"
	case errors.Is(err, kernel.ErrInvalid):
		return "the kernel's log says why: dmesg | tail"
	}
	return ""
}
