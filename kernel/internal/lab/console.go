package lab

import (
	"fmt"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// report is what /init says on the console.
type report struct {
	boot time.Duration // by the guest's clock
}

// parseConsole reads the lines of /init in the kernel's log. ok is false if the
// last one is missing: the guest ended early.
func parseConsole(log string) (r report, ok bool) {
	for line := range strings.Lines(log) {
		// The kernel may have begun the line.
		at := strings.Index(line, guest.ConsoleMark)
		if at < 0 {
			continue
		}
		line = strings.TrimSpace(line[at+len(guest.ConsoleMark):])
		var ms int64
		if n, _ := fmt.Sscanf(line, "ready %d ms", &ms); n == 1 {
			r.boot = time.Duration(ms) * time.Millisecond
		}
		var exit int
		if n, _ := fmt.Sscanf(line, "exit=%d", &exit); n == 1 {
			ok = true
		}
	}
	return r, ok
}

// crashes begin the lines with which the kernel explains its end, the most telling
// ones first.
var crashes = []string{
	"BUG: ", "Oops: ", "general protection fault", "kernel BUG at", "invalid opcode:", "Unable to mount root fs",
	"Out of memory", "Kernel panic - not syncing",
}

// crashReason returns what a log says about the end of the guest: from the first
// line that tells of a crash, or else its last lines.
func crashReason(log string) string {
	const most = 60
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	for i, line := range lines {
		for _, crash := range crashes {
			if strings.Contains(line, crash) {
				return strings.Join(lines[i:min(len(lines), i+most)], "\n")
			}
		}
	}
	if strings.TrimSpace(log) == "" {
		return "it wrote nothing to its console"
	}
	return "no panic in its log, which ends:\n" + lastLines(log, 20)
}
