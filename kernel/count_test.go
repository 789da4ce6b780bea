package kernel_test

import (
	"io/fs"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// countingSystem counts the system calls that the real System would make for what it is
// asked, as strace shows them in the lab.
type countingSystem struct {
	kernel.System
	commands, others atomic.Int64
}

type countingTransport struct {
	kernel.Transport
	n *countingSystem
}

func (s *countingSystem) OpenControl(path string) (kernel.Transport, error) {
	t, err := s.System.OpenControl(path)
	return countingTransport{t, s}, err
}

func (t countingTransport) Ioctl(number uint32, buf []byte) error {
	t.n.commands.Add(1)
	return t.Transport.Ioctl(number, buf)
}

func (s *countingSystem) UdevRunning() bool {
	s.others.Add(1) // access of udev's socket
	running := s.System.UdevRunning()
	if running {
		s.others.Add(1) // readlink of the IPC namespace
	}
	return running
}

func (s *countingSystem) MakeNode(path string, devno uint64, mode fs.FileMode, uid, gid int) error {
	s.others.Add(1)
	return s.System.MakeNode(path, devno, mode, uid, gid)
}

func (s *countingSystem) NodeDevno(path string) (uint64, error) {
	s.others.Add(1)
	return s.System.NodeDevno(path)
}

func (s *countingSystem) RemoveNode(path string) error {
	s.others.Add(1)
	return s.System.RemoveNode(path)
}

func (s *countingSystem) Semget(key uint32, create bool) (int, error) {
	s.others.Add(1)
	return s.System.Semget(key, create)
}

func (s *countingSystem) SemAdd(id, delta int) error {
	s.others.Add(1)
	return s.System.SemAdd(id, delta)
}

func (s *countingSystem) SemWaitZero(id int, timeout time.Duration) error {
	s.others.Add(1)
	return s.System.SemWaitZero(id, timeout)
}

func (s *countingSystem) SemRemove(id int) error {
	s.others.Add(1)
	return s.System.SemRemove(id)
}

// TestSystemCalls compares the cost of a device's life with that of dmsetup create and
// dmsetup remove (libdm 1.02.185, strace in the lab), after the start of the program and the
// question for the version.
func TestSystemCalls(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]struct {
		udev             kerneltest.Udev
		commands, others int64
	}{
		// access /run/udev/control, 3 of /dev/urandom, 9 of the semaphore for each of the two
		"udev": {kerneltest.UdevAtOnce, 4, 28},
		// access twice; stat, umask, mknod, umask, chown; lstat, unlink
		"no udev": {kerneltest.NoUdev, 4, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kerneltest.New(t, kerneltest.Options{Udev: e.udev})
			k.AddDisk(disk, 16*mib)
			n := &countingSystem{System: k}
			c, err := kernel.Open(kernel.Options{System: n})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			const devices = 10
			before, beforeOthers := n.commands.Load(), n.others.Load()
			for range devices {
				activate(t, c, "data")
				remove(t, c, "data")
			}
			commands, others := n.commands.Load()-before, n.others.Load()-beforeOthers
			t.Logf("%d commands and %d other calls for a device, libdm %d and %d", commands/devices, others/devices, e.commands, e.others)
			if commands != devices*e.commands {
				t.Errorf("%d commands for %d devices, libdm makes %d", commands, devices, devices*e.commands)
			}
			if 10*(commands+others) > 11*devices*(e.commands+e.others) {
				t.Errorf("%d system calls for %d devices, libdm makes %d", commands+others, devices, devices*(e.commands+e.others))
			}
		})
	}
}
