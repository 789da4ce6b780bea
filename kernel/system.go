package kernel

import (
	"context"
	"io/fs"
	"time"
)

// Transport is an open control device.
type Transport interface {
	// Ioctl issues the command of this number (0 to 17) on buf, which the kernel reads and
	// writes. Errors are syscall.Errno; any call may end with EINTR.
	Ioctl(number uint32, buf []byte) error
	// Poll blocks until the control device is readable, or ctx ends: its error then.
	Poll(ctx context.Context) error
	// Close closes it. It is called once, when no call is under way.
	Close() error
}

// System is all that this package asks of the operating system. [Machine] is the real one,
// package kerneltest has a fake one, and either can be wrapped, to count calls or to make
// them fail. Methods are called concurrently. Errors are syscall.Errno, perhaps wrapped.
type System interface {
	// OpenControl opens the control device.
	OpenControl(path string) (Transport, error)
	// UdevRunning: udevd runs and completes semaphores of our namespace.
	UdevRunning() bool

	// MakeNode makes a block device node, and the folder it is in. EEXIST when path exists.
	MakeNode(path string, devno uint64, mode fs.FileMode, uid, gid int) error
	// NodeDevno is the number of the block device that path leads to, links followed: never
	// 0. ENOENT when it leads nowhere, ENOTBLK when to something else.
	NodeDevno(path string) (uint64, error)
	// RenameNode and RemoveNode move and remove a node or a link.
	RenameNode(oldpath, newpath string) error
	RemoveNode(path string) error
	// ListNodes gives the names in a folder.
	ListNodes(dir string) ([]string, error)

	// Semget finds the semaphore of this key, ENOENT if there is none. With create it makes
	// it with the value 0, mode 0600; EEXIST if it is there.
	Semget(key uint32, create bool) (id int, err error)
	// SemAdd adds delta; EAGAIN when that would make it negative.
	SemAdd(id, delta int) error
	// SemWaitZero waits until it is zero; EAGAIN after timeout, EIDRM or EINVAL when it was
	// removed, EINTR now and then.
	SemWaitZero(id int, timeout time.Duration) error
	// SemRemove removes it.
	SemRemove(id int) error
	// Semaphores lists those that exist.
	Semaphores() ([]Semaphore, error)
}

// Semaphore is an existing set of System V semaphores.
type Semaphore struct {
	Key             uint32
	ID              int
	Count           int       // semaphores in the set
	Value           int       // of the first
	LastOp, Changed time.Time // zero: never
}

// Machine is the System of this machine. On anything but Linux all of it answers
// ErrNotSupported.
func Machine() System { return machine{} }

// machine is the real System.
type machine struct{}
