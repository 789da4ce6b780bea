package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// watchPeak follows the memory of a running child until stop, which returns the
// most it had at once, in bytes; 0 if it was over before the first look. The
// kernel keeps that figure for as long as the process lives (proc(5), VmHWM in
// status). The one in the child's resource usage cannot be had instead: it counts
// in what this process had when it started the child.
func watchPeak(pid int) (stop func() int64) {
	const pause = 500 * time.Microsecond
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		most := int64(0)
		for {
			most = max(most, peakOf(pid))
			select {
			case <-done:
				peak <- most
				return
			case <-time.After(pause):
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peak
	}
}

// peakOf returns the VmHWM of a process; 0 if it has no memory any more.
func peakOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) < 2 || fields[1] != "kB" {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}
