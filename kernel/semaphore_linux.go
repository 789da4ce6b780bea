package kernel

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Numbers of sys/ipc.h and sys/sem.h, the same on every machine.
const (
	ipcCreate = 0o1000
	ipcExcl   = 0o2000
	ipcNoWait = 0o4000
	ipcRemove = 0
	semGetVal = 12
)

// sembuf is struct sembuf.
type sembuf struct {
	number    uint16
	operation int16
	flags     int16
}

// Semget finds or makes a semaphore. It is never set, only counted: what SETVAL takes is
// laid out differently from machine to machine, and a new semaphore is zero.
func (machine) Semget(key uint32, create bool) (int, error) {
	flags := 0
	if create {
		flags = ipcCreate | ipcExcl | 0o600
	}
	return semget(int32(key), 1, flags)
}

// SemAdd counts.
func (machine) SemAdd(id, delta int) error {
	op := sembuf{operation: int16(delta)}
	if delta < 0 {
		op.flags = ipcNoWait
	}
	for {
		err := semtimedop(id, op, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// SemWaitZero waits.
func (machine) SemWaitZero(id int, timeout time.Duration) error {
	limit := unix.NsecToTimespec(int64(timeout))
	return semtimedop(id, sembuf{}, &limit)
}

// SemRemove removes a semaphore.
func (machine) SemRemove(id int) error {
	_, err := semctl(id, ipcRemove)
	return err
}

// Semaphores reads /proc/sysvipc/sem, and asks for the values of those that it may ask for.
func (machine) Semaphores() ([]Semaphore, error) {
	text, err := os.ReadFile("/proc/sysvipc/sem")
	if err != nil {
		return nil, err
	}
	list := parseSemaphores(string(text))
	for i, s := range list {
		if v, err := semctl(s.ID, semGetVal); err == nil {
			list[i].Value = v
		}
	}
	return list, nil
}

// parseSemaphores reads the table of /proc/sysvipc/sem: key, semid, perms, nsems, uid, gid,
// cuid, cgid, otime, ctime. Lines of another form are left out, the heading first.
func parseSemaphores(text string) []Semaphore {
	var list []Semaphore
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 10 {
			continue
		}
		var n [10]int64
		ok := true
		for i := range n {
			v, err := strconv.ParseInt(words[i], 10, 64)
			n[i], ok = v, ok && err == nil
		}
		if ok {
			list = append(list, Semaphore{
				Key: uint32(n[0]), ID: int(n[1]), Count: int(n[3]),
				LastOp: timeOf(n[8]), Changed: timeOf(n[9]),
			})
		}
	}
	return list
}

func timeOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}
