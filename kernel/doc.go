// Package kernel loads device-mapper tables into a running Linux kernel: the
// same [github.com/dmimg/dmimg/tables] values that package volume opens in
// userspace, activated by ioctl on /dev/mapper/control.
//
// It follows include/uapi/linux/dm-ioctl.h and
// Documentation/admin-guide/device-mapper of the Linux kernel. The verbs keep
// the names of the well-known Go API (Create, Load, Resume, Suspend, Remove,
// Message, CreateAndLoad, …).
//
// The package is a placeholder at present: it holds this page only, so that
// its place in the tree and its import rules are settled before the code
// arrives. Until then a table is activated by handing its text to dmsetup:
//
//	dmimg table format tables.json | dmsetup create NAME
//
// It does not interpret tables, open images or touch any data: that is package
// volume.
package kernel
