// Package activate makes live devices of encrypted and verified images: package kernel
// with the kernel's keyring, signatures, loop devices, and checks before and after.
//
//	c, err := kernel.OpenControl()
//	a := activate.New(c, activate.Options{})
//	result, err := a.Verity(ctx, "root", activate.Verity{
//		Params: params, RootHash: root, DataDevice: "/dev/sda2", HashDevice: "/dev/sda3",
//		Existing: activate.ReuseSame, Check: activate.CheckFirstBlock,
//	})
//	_, err = a.LUKS(ctx, "home", activate.LUKS{Header: header, Key: key, Device: "/dev/sda4", Size: size})
//	_, err = a.Remove(ctx, "home", activate.RemoveOptions{Integrity: true})
//
// Either a device is there and all that was asked of it holds, or there is an error and
// nothing is left: no device, no key, no loop device.
//
// # Keys
//
// A key goes to the kernel through the keyring of the thread that loads the table, and the
// table names it (Documentation/admin-guide/device-mapper/dm-crypt.rst, keyrings(7)). It is
// revoked and unlinked as soon as the table is loaded, since the target has its own copy
// then. Keys stay the caller's: they are neither changed nor kept, and it is the caller who
// wipes them. On the table line a key stands only when [KeyOnTableLine] asks for it.
//
// # Errors
//
// All begin with "activate:". What package kernel says stays in the chain, so its
// sentinels can be asked for: kernel.ErrExists, kernel.ErrBusy, kernel.ErrNotFound, ….
//
// # Elsewhere
//
// On anything but Linux all calls answer kernel.ErrNotSupported. With the fake kernel of
// package kerneltest and a [Keyring] of its own, a program can be tested everywhere.
//
// The package reads no headers: what is on the disks is said by packages verity,
// crypt/luks and volume/integrity.
package activate
