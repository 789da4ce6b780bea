package lab

import (
	"strings"
	"testing"
	"time"
)

func TestParseConsole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, log string
		want      report
		ok        bool
	}{
		{"empty", "", report{}, false},
		{"complete", "LAB: ready 3057 ms\nLAB: exit=0\n[    3.2] reboot: Power down\n", report{3057 * time.Millisecond}, true},
		{"inside lines of the kernel", "[1.0] loop: module loadedLAB: ready 12 ms\nnoise LAB: exit=3", report{12 * time.Millisecond}, true},
		{"not over", "LAB: ready 12 ms\n", report{12 * time.Millisecond}, false},
		{"failed", "LAB: failed: no virtio port lab.output\n", report{}, false},
		{"not a number", "LAB: exit=x\nLAB: ready soon\n", report{}, false},
	} {
		if got, ok := parseConsole(c.log); got != c.want || ok != c.ok {
			t.Errorf("%s: got %+v, %t, want %+v, %t", c.name, got, ok, c.want, c.ok)
		}
	}
}

// panicLog is the console of Linux 6.12 that was told to crash, shortened.
const panicLog = `[    1.123456] device-mapper: uevent: version 1.0.3
LAB: ready 3011 ms
[    8.405080] Kernel panic - not syncing: sysrq triggered crash
[    8.405469] CPU: 0 UID: 0 PID: 124 Comm: crash Not tainted 6.12.117+deb12-cloud-amd64 #1  Debian 6.12.117-1~deb12u1
[    8.406003] Call Trace:
[    8.406501]  <TASK>
[    8.406642]  panic+0x344/0x3a0
[    8.407128]  sysrq_handle_crash+0x1a/0x20
[    8.414340]  </TASK>
[    8.414798] Kernel Offset: disabled
`

func TestCrashReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, log, first, has string
	}{
		{"panic", panicLog, "Kernel panic - not syncing: sysrq triggered crash", "Call Trace"},
		{"failed init", "a\nLAB: failed: /lab/spec.json: no such file\n", "no panic in its log", "LAB: failed: /lab/spec.json"},
		{"nothing", "\n", "it wrote nothing", ""},
	} {
		got := crashReason(c.log)
		first, _, _ := strings.Cut(got, "\n")
		if !strings.Contains(first, c.first) || !strings.Contains(got, c.has) {
			t.Errorf("%s: got %q, want %q first and %q", c.name, got, c.first, c.has)
		}
	}
}

func FuzzConsole(f *testing.F) {
	f.Add("LAB: ready 3057 ms\nLAB: exit=0\n")
	f.Add("Kernel panic - not syncing: x\n")
	f.Fuzz(func(t *testing.T, log string) {
		parseConsole(log)
		if crashReason(log) == "" {
			t.Error("no reason")
		}
	})
}
