package kernel

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// udevControl is there while udevd runs (libudev's own test).
const udevControl = "/run/udev/control"

// initialIPC is what /proc/self/ns/ipc leads to in the machine's first IPC namespace, whose
// number never changes (the kernel's PROC_IPC_INIT_INO). udevd is in that one: it cannot
// count down a semaphore of a container's.
const initialIPC = "ipc:[4026531839]"

// UdevRunning reports whether udevd runs and sees our semaphores.
func (machine) UdevRunning() bool {
	if unix.Access(udevControl, unix.F_OK) != nil {
		return false
	}
	link, err := os.Readlink("/proc/self/ns/ipc")
	return err != nil || link == initialIPC
}

// MakeNode makes a block device node.
func (machine) MakeNode(path string, devno uint64, mode fs.FileMode, uid, gid int) error {
	perm := uint32(mode.Perm())
	dev := unix.Mkdev(Major(devno), Minor(devno))
	if err := mknod(path, unix.S_IFBLK|perm&0o600, dev); err != nil {
		return err
	}
	// The process's mask may have cleared bits, and nobody else shall have the node before
	// its owner is set.
	if uid != 0 || gid != 0 {
		if err := unix.Lchown(path, uid, gid); err != nil {
			return undoNode(path, err)
		}
	}
	if perm != 0o600 {
		if err := unix.Chmod(path, perm); err != nil {
			return undoNode(path, err)
		}
	}
	return nil
}

func undoNode(path string, err error) error { return errors.Join(err, unix.Unlink(path)) }

// mknod makes a node, and the folder it is in.
func mknod(path string, mode uint32, dev uint64) error {
	err := unix.Mknod(path, mode, int(dev))
	if err == unix.ENOENT {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		err = unix.Mknod(path, mode, int(dev))
	}
	return err
}

// NodeDevno is the number of a block device.
func (machine) NodeDevno(path string) (uint64, error) {
	var st unix.Stat_t
	for {
		err := unix.Stat(path, &st)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		break
	}
	if st.Mode&unix.S_IFMT != unix.S_IFBLK {
		return 0, &os.PathError{Op: "stat", Path: path, Err: unix.ENOTBLK}
	}
	return Mkdev(unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))), nil
}

// RenameNode moves a node or a link.
func (machine) RenameNode(oldpath, newpath string) error { return unix.Rename(oldpath, newpath) }

// RemoveNode removes a node or a link.
func (machine) RemoveNode(path string) error { return unix.Unlink(path) }

// ListNodes gives the names in a folder.
func (machine) ListNodes(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}
