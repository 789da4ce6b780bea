//go:build linux

package lab

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// fakeMachine is ready to boot a shell script in place of QEMU. The script gets the
// name of the console in $console, and its output is descriptor 3.
func fakeMachine(t *testing.T, script string, commands int) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{
		cache: cache{dir}, dir: dir, kernel: &kernel{release: "0.0-fake"}, qemu: "/bin/sh",
		files: files{console: filepath.Join(dir, "console")},
		limit: context.WithTimeout,
		cfg:   Config{Commands: make([]Command, commands), Timeout: time.Minute, CPUs: 1},
	}
	for i := range m.cfg.Commands {
		m.cfg.Commands[i].Path = "command-" + string(rune('a'+i))
	}
	m.args = []string{"-c", "console=" + m.files.console + "\n" + script}
	return m
}

// said is a line of a script that writes what /init does for commands with these
// exit statuses.
func said(t *testing.T, exits ...int) string {
	t.Helper()
	var b bytes.Buffer
	for i, exit := range exits {
		if err := errors.Join(guest.WriteBegin(&b, i), guest.WriteEnd(&b, i, exit, time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	return "printf '%s' '" + b.String() + "' >&3"
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		exits []int
		want  int
	}{
		{"all passed", []int{0, 0}, 0},
		{"the first failure counts", []int{0, 3, 1}, 3},
		{"ended by a signal", []int{137}, 137},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			script := said(t, c.exits...) + "\nprintf 'LAB: ready 7 ms\\r\\nLAB: exit=0\\r\\n' > $console"
			r, err := fakeMachine(t, script, len(c.exits)).run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Exit != c.want || len(r.Commands) != len(c.exits) || r.Boot != 7*time.Millisecond || r.Release != "0.0-fake" {
				t.Errorf("got %+v, want exit status %d", r, c.want)
			}
			for i, command := range r.Commands {
				if command.Exit != c.exits[i] || command.Elapsed != time.Second {
					t.Errorf("command %d: %+v, want exit status %d", i, command, c.exits[i])
				}
			}
		})
	}
}

func TestGuestEndsEarly(t *testing.T) {
	t.Parallel()
	exit := "\nprintf 'LAB: exit=0\\n' > $console"
	for _, c := range []struct {
		name, script, want string
	}{
		{"panic", "echo 'Kernel panic - not syncing: because' > $console", "because"},
		{"commands missing", said(t, 0) + exit, "no panic in its log"},
		{"no exit line", said(t, 0, 0) + "\necho noise > $console", "no panic in its log"},
		{"silence", ": > $console; echo 'no such option' >&2; exit 1", "no such option"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := fakeMachine(t, c.script, 2).run(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if c.name != "silence" && !errors.Is(err, ErrCrash) {
				t.Errorf("got %v, want %v", err, ErrCrash)
			}
		})
	}
}

// TestTimeout ends a guest that hangs, and says what it was doing. Its time is over
// when the guest says "thinking", not by the clock.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script, want string
	}{
		{"while booting", "echo 'last words' > $console", "ended after 1h0m0s while booting; the end of its log:\nlast words"},
		{"in a command", strings.Replace(said(t, 0), "' >&3", "\x1eLAB: begin 1\n' >&3", 1), "while command-b was running"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := fakeMachine(t, c.script+"\nprintf thinking >&3; exec sleep 1000", 2)
			over := make(chan struct{})
			m.cfg.Output = &hookWriter{want: "thinking", hook: func() { close(over) }}
			m.cfg.Timeout = time.Hour
			m.limit = func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				go func() { <-over; cancel() }()
				return ctx, cancel
			}
			_, err := m.run(t.Context())
			if !errors.Is(err, ErrTimeout) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %v with %q", err, ErrTimeout, c.want)
			}
		})
	}
}

// TestCancel cancels a run when it has written something, and checks that the
// process is gone.
func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	pid := &hookWriter{want: "\n", hook: cancel}
	m := fakeMachine(t, "echo $$ >&3; exec sleep 1000", 1)
	m.cfg.Output = pid
	if _, err := m.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(pid.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("process %q: %v, want it gone", pid.String(), err)
	}
}

// hookWriter calls hook when it has got want.
type hookWriter struct {
	bytes.Buffer
	want string
	hook func()
}

func (w *hookWriter) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if w.hook != nil && strings.Contains(w.String(), w.want) {
		w.hook()
		w.hook = nil
	}
	return n, err
}

// TestOutputFails takes all output of a guest whose caller does not, so that it can
// end, and reports that.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	m := fakeMachine(t, "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done >&3\n"+said(t, 0)+"\necho 'LAB: exit=0' > $console", 1)
	m.cfg.Output = failingWriter{}
	if _, err := m.run(t.Context()); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
}

var errFull = errors.New("full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

func TestCheck(t *testing.T) {
	t.Parallel()
	command := []Command{{Path: "x"}}
	for _, c := range []struct {
		name, want string
		cfg        Config
	}{
		{"no command", "no command", Config{}},
		{"serial", "letters", Config{Commands: command, Disks: []Disk{{Serial: "a b", Size: 512}}}},
		{"long serial", "letters", Config{Commands: command, Disks: []Disk{{Serial: strings.Repeat("a", 21), Size: 512}}}},
		{"same serial", "of its own", Config{Commands: command, Disks: []Disk{{Serial: "a", Size: 512}, {Serial: "a", Size: 512}}}},
		{"ours", "of its own", Config{Commands: command, Disks: []Disk{{Serial: guest.OutSerial, Size: 512}}}},
		{"size", "multiple of 512", Config{Commands: command, Disks: []Disk{{Serial: "a", Size: 100}}}},
		{"kernel", `kernel "5.0" is not known: there are 6.1, 6.12`, Config{Commands: command, Kernel: "5.0"}},
	} {
		if _, err := Run(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
	cfg := Config{Commands: command}
	if err := cfg.check(); err != nil || cfg.MemoryMiB != 512 || cfg.CPUs != 1 || cfg.Timeout != DefaultTimeout {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

// TestQEMUArgs checks what a shell would have to be careful with.
func TestQEMUArgs(t *testing.T) {
	t.Parallel()
	args := strings.Join(qemuArgs(Config{CPUs: 2, MemoryMiB: 256, QEMU: []string{"-device", "nvme"}}, files{console: "/a,b"},
		[]Disk{{Serial: "data", Path: "/c,d", ReadOnly: true, BlockSize: 4096}}), " ")
	for _, want := range []string{
		"-serial file:/a,,b ", "-drive file=/c,,d,format=raw,if=none,id=disk0,cache=unsafe,readonly=on ",
		"virtio-blk-pci,drive=disk0,serial=data,logical_block_size=4096,physical_block_size=4096", "-smp 2 -m 256 ", " -device nvme",
	} {
		if !strings.Contains(args+" ", want) {
			t.Errorf("no %q in %s", want, args)
		}
	}
}

// TestInitramfsRefuses refuses files that a guest would not see.
func TestInitramfsRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"/tmp/x", "/dev/x", "run/x"} {
		err := checkFiles(map[string]string{name: "/etc/hostname"})
		if err == nil || !strings.Contains(err.Error(), "would be hidden") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := checkFiles(map[string]string{"/lab/tmp/x": "x"}); err != nil {
		t.Error(err)
	}
}
