package kernel

import (
	"context"
	"io/fs"
	"time"
)

// Transport is an open control device.
type Transport interface {
	// Ioctl issues the command of this number (0 to 17) on buf, which the kernel reads and
	// writes. Errors are syscall.Errno. A blocking command ends with EINTR when ctx does.
	Ioctl(ctx context.Context, number uint32, buf []byte) error
	// Poll blocks until the control device is readable, or ctx ends.
	Poll(ctx context.Context) error
	// Close closes it; calls after that are fs.ErrClosed.
	Close() error
}

// System is all that this package asks of the operating system. [Machine] is the real one,
// package kerneltest has a fake one, and either can be wrapped. Methods are called
// concurrently. Errors are syscall.Errno, perhaps inside an *fs.PathError.
type System interface {
	// OpenControl opens the control device.
	OpenControl(path string) (Transport, error)
	// UdevRunning: udevd runs and completes semaphores of our namespace.
	UdevRunning() bool

	// MakeNode makes a block device node.
	MakeNode(path string, devno uint64, mode fs.FileMode, uid, gid int) error
	// NodeDevno is the number of the block device that path leads to, links followed.
	NodeDevno(path string) (uint64, error)
	// RenameNode and RemoveNode move and remove a node or a link.
	RenameNode(oldpath, newpath string) error
	RemoveNode(path string) error
	// ListNodes gives the names in a folder.
	ListNodes(dir string) ([]string, error)

	// Semget finds the semaphore of this key; with create it makes it and fails when it is
	// there.
	Semget(key uint32, create bool) (id int, err error)
	// SemAdd adds delta; EAGAIN when that would make it negative.
	SemAdd(id, delta int) error
	// SemWaitZero waits until it is zero; EAGAIN after timeout, EIDRM when it was removed.
	SemWaitZero(id int, timeout time.Duration) error
	// SemRemove removes it.
	SemRemove(id int) error
	// Semaphores lists those that exist.
	Semaphores() ([]Semaphore, error)
}

// Semaphore is an existing System V semaphore.
type Semaphore struct {
	Key              uint32
	ID, Count, Value int // Count of semaphores in the set; Value of the first
	LastOp, Changed  time.Time
}

// Machine is the System of this machine. On anything but Linux all of it answers
// ErrNotSupported.
func Machine() System { return nil }
