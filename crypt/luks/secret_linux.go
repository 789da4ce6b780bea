package luks

import "syscall"

// Advice of madvise(2) that package syscall does not name.
const (
	adviceDontDump = 16
	adviceDoDump   = 17
)

// lockPages keeps pages out of swap, as far as RLIMIT_MEMLOCK allows, and out of core
// dumps. What the system refuses is done without.
func lockPages(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	locked := syscall.Mlock(b) == nil
	hidden := syscall.Madvise(b, adviceDontDump) == nil
	return locked || hidden
}

func unlockPages(b []byte) {
	_ = syscall.Munlock(b)
	_ = syscall.Madvise(b, adviceDoDump)
}

// totalMemory is the machine's memory in bytes; 0 if that is not known.
func totalMemory() uint64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return uint64(info.Totalram) * uint64(max(info.Unit, 1))
}
