package kerneltest

import (
	"slices"
	"syscall"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// Udev says what udevd the fake has.
type Udev int

// The fake udevds.
const (
	NoUdev     Udev = iota // none runs
	UdevAtOnce             // every event is done before its ioctl returns
	UdevLater              // events wait for RunUdev
	UdevHung               // events are never done
)

// cookieKey is the upper half of the key of a cookie.
const cookieKey = 0x0d4d0000

// uevent is what the kernel tells udev.
type uevent struct {
	action    string
	name, old string
	devno     uint64
	cookie    uint32 // flags above, semaphore below
}

// udevState is what is outside device-mapper: udev, its semaphores, nodes.
type udevState struct {
	queue      []uevent
	semaphores map[int]*semaphore
	nextID     int
	counted    chan struct{} // closed whenever a semaphore changes
	nodes      map[string]node
	open       int // control devices
}

type semaphore struct {
	key   uint32
	value int
	made  time.Time
}

func (u *udevState) init() {
	u.semaphores = map[int]*semaphore{}
	u.nodes = map[string]node{}
	u.counted = make(chan struct{})
}

// uevent tells udev. The caller holds the lock.
func (k *Kernel) uevent(e uevent) {
	switch k.options.Udev {
	case UdevAtOnce:
		k.handle(e)
	case UdevLater, UdevHung:
		k.udev.queue = append(k.udev.queue, e)
	}
}

// RunUdev lets the udev that works later do what has come in.
func (k *Kernel) RunUdev() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.udev.queue {
		k.handle(e)
	}
	k.udev.queue = nil
}

// handle does what udev's rules for device-mapper do.
func (k *Kernel) handle(e uevent) {
	flags := kernel.UdevFlags(e.cookie >> dmioctl.CookieFlagsShift)
	if flags&kernel.UdevNoDMRules == 0 {
		u := &k.udev
		if e.action == "remove" || e.old != e.name {
			gone := e.old
			if e.action == "remove" {
				gone = e.name
			}
			if n, ok := u.nodes[nodeDir+gone]; ok && n.link {
				delete(u.nodes, nodeDir+gone)
			}
		}
		if e.action != "remove" {
			u.nodes[nodeDir+e.name] = node{devno: e.devno, link: true}
		}
	}
	if base := e.cookie & 0xffff; base != 0 {
		for _, s := range k.udev.semaphores {
			if s.key == cookieKey|base && s.value > 0 {
				s.value--
				k.counted()
			}
		}
	}
}

func (k *Kernel) counted() {
	close(k.udev.counted)
	k.udev.counted = make(chan struct{})
}

// UdevRunning tells whether there is a udev.
func (k *Kernel) UdevRunning() bool { return k.options.Udev != NoUdev }

// Semget finds or makes a semaphore.
func (k *Kernel) Semget(key uint32, create bool) (int, error) {
	if err := k.failing("semget"); err != nil {
		return 0, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, s := range k.udev.semaphores {
		if s.key == key {
			if create {
				return 0, syscall.EEXIST
			}
			return id, nil
		}
	}
	if !create {
		return 0, syscall.ENOENT
	}
	k.udev.nextID++
	k.udev.semaphores[k.udev.nextID] = &semaphore{key: key, made: time.Now()}
	return k.udev.nextID, nil
}

// SemAdd counts.
func (k *Kernel) SemAdd(id, delta int) error {
	if err := k.failing("semadd"); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.udev.semaphores[id]
	if s == nil {
		return syscall.EINVAL
	}
	if s.value+delta < 0 {
		return syscall.EAGAIN
	}
	s.value += delta
	k.counted()
	return nil
}

// SemWaitZero waits.
func (k *Kernel) SemWaitZero(id int, timeout time.Duration) error {
	if err := k.failing("semwait"); err != nil {
		return err
	}
	over := time.NewTimer(timeout)
	defer over.Stop()
	for known := false; ; known = true {
		k.mu.Lock()
		s, counted := k.udev.semaphores[id], k.udev.counted
		zero := s != nil && s.value == 0
		k.mu.Unlock()
		switch {
		case zero:
			return nil
		case s == nil && known:
			return syscall.EIDRM
		case s == nil:
			return syscall.EINVAL
		}
		select {
		case <-counted:
		case <-over.C:
			return syscall.EAGAIN
		}
	}
}

// SemRemove removes a semaphore.
func (k *Kernel) SemRemove(id int) error {
	if err := k.failing("semremove"); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.udev.semaphores[id] == nil {
		return syscall.EINVAL
	}
	delete(k.udev.semaphores, id)
	k.counted()
	return nil
}

// Semaphores lists them.
func (k *Kernel) Semaphores() ([]kernel.Semaphore, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []kernel.Semaphore
	for id, s := range k.udev.semaphores {
		list = append(list, kernel.Semaphore{Key: s.key, ID: id, Count: 1, Value: s.value, Changed: s.made})
	}
	slices.SortFunc(list, func(a, b kernel.Semaphore) int { return a.ID - b.ID })
	return list, nil
}

// checkLeaks fails the test for what it left behind outside the devices.
func (k *Kernel) checkLeaks() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.udev.semaphores {
		k.complain("the semaphore %#x was left behind with the value %d", s.key, s.value)
	}
	for path, n := range k.udev.nodes {
		if k.byDevno(n.devno) == nil && len(k.udev.queue) == 0 {
			k.complain("the node %s of a device that is gone was left behind", path)
		}
	}
	if k.udev.open != 0 {
		k.complain("%d control devices are still open", k.udev.open)
	}
}
