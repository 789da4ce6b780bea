package activate

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel"
)

// processesWith finds the processes that have a block device open, as "process 12 (mount)"
// (proc(5), /proc/PID/fd). Those of other users are seen by root only.
func processesWith(procDir string, devno uint64) []string {
	pids, _ := filepath.Glob(procDir + "/[1-9]*") // its only error is of the pattern
	var found []string
	for _, pid := range pids {
		fds, _ := os.ReadDir(pid + "/fd")
		for _, fd := range fds {
			if opens(filepath.Join(pid, "fd", fd.Name()), devno) {
				name, _ := os.ReadFile(pid + "/comm")
				found = append(found, "process "+filepath.Base(pid)+" ("+strings.TrimSpace(string(name))+")")
				break
			}
		}
	}
	return found
}

// opens reports whether a file descriptor is of a block device.
func opens(fd string, devno uint64) bool {
	info, err := os.Stat(fd)
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Mode&syscall.S_IFMT == syscall.S_IFBLK &&
		unix.Major(uint64(stat.Rdev)) == kernel.Major(devno) && unix.Minor(uint64(stat.Rdev)) == kernel.Minor(devno)
}
