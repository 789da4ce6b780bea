package luks

import (
	"syscall"
	"time"
)

// rusageThread asks getrusage(2) for the calling thread; package syscall does not name it.
const rusageThread = 1

// threadTime is how much processor time the calling thread has used; false if that is not
// known.
func threadTime() (time.Duration, bool) { return usage(rusageThread) }

// processTime is that of all threads.
func processTime() (time.Duration, bool) { return usage(syscall.RUSAGE_SELF) }

func usage(who int) (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
