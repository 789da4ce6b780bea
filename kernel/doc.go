// Package kernel is a device-mapper client without cgo: it loads the same
// [github.com/dmimg/dmimg/tables] values that package volume opens in userspace into a
// running Linux kernel, by ioctl on /dev/mapper/control.
//
//	c, err := kernel.OpenControl()
//	if err != nil {
//		return err // ErrPermission, ErrNotSupported
//	}
//	defer c.Close()
//	info, err := c.CreateAndLoad(ctx, "data", kernel.ActivateOptions{}, tables.LinearTable{
//		Length: 1 << 30, BackendDevice: "/dev/sdb", BackendOffset: 1 << 20,
//	})
//	// /dev/mapper/data is there now
//
// It follows include/uapi/linux/dm-ioctl.h and Documentation/admin-guide/device-mapper of
// the Linux kernel, and libdm where the kernel leaves a choice: udev's cookies, nodes,
// mangled names. All of the interface is here: every command is a method of [Control], which
// takes a [Ref] for the device and a struct of options whose zero value is right for most.
// The verbs of the well-known Go API (Create, CreateAndLoad, Load, Resume, …) are functions.
//
// # udev
//
// Verbs that change device nodes return when udev has made them, and make them themselves
// where there is no udev. The wait is libdm's: a cookie in the uevent that udev completes. It
// has an end ([Options].UdevTimeout), and no semaphore outlives a call. A [Cookie] waits for
// several devices at once.
//
// # Errors
//
// All errors are [*Error]: what, which device, why. The sentinels tell what a program may
// branch on, and the errno is in the chain. The kernel explains a table that it refuses in
// its log only, so [Control.Load] checks tables first, as package tables does.
//
// # Keys
//
// Table text holds keys. Requests and answers that may hold one are wiped, here and in the
// kernel. Go strings cannot be: prefer keys in the kernel's keyring.
//
// # Elsewhere
//
// On anything but Linux all calls answer [ErrNotSupported]. Programs can be tested with the
// fake kernel of package kerneltest everywhere.
//
// The package does not interpret tables, open images or touch any data: that is package
// volume.
package kernel
