package cli_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// liveKernel are devices of a real kernel: base is 4 MiB of zeros, top lies on it.
type liveKernel struct {
	dir, base, top string
}

func newLiveKernel(t *testing.T) liveKernel {
	t.Helper()
	c := kerneltest.Require(t)
	k := liveKernel{dir: t.TempDir(), base: kerneltest.Name(t, c, "base")}
	k.top = kerneltest.Name(t, c, "top")
	k.run(t, kernelStep{args: "create-and-load BASE --uuid DMIMGTEST-BASE --table -", stdin: "0 8192 zero\n"})
	return k
}

// names puts the names of the devices where BASE and TOP stand.
func (k liveKernel) names(text string) string {
	return strings.NewReplacer("BASE", k.base, "TOP", k.top).Replace(text)
}

// run runs a step, in whose texts BASE and TOP are the names of the devices.
func (k liveKernel) run(t *testing.T, s kernelStep) {
	t.Helper()
	s.args, s.stdin, s.stdout = k.names(s.args), k.names(s.stdin), k.names(s.stdout)
	for _, list := range [][]string{s.has, s.stderr} {
		for i := range list {
			list[i] = k.names(list[i])
		}
	}
	s.run(t, t.Context(), k.dir)
}

// TestLiveKernelVerbs goes through the verbs on a real kernel.
func TestLiveKernelVerbs(t *testing.T) {
	k := newLiveKernel(t)
	for _, s := range []kernelStep{
		{args: "version --json", has: []string{`"major": 4`}},
		{args: "target-version linear --json", has: []string{`"name": "linear"`}},
		{args: "target-version nothing-at-all", code: 1, stderr: []string{"not found", "hint: the kernel has no module"}},
		{args: "targets", has: []string{"linear ", "zero "}},
		{args: "create TOP"},
		{args: "create TOP", code: 1, stderr: []string{"exists already", "hint: dmimg kernel ls"}},
		{args: "info TOP --json", has: []string{`"state": "no_table"`}},
		{args: "load TOP --readonly --table -", stdin: "0 8 linear /dev/mapper/BASE 0\n"},
		{args: "table TOP"},
		{args: "clear TOP --json", has: []string{`"inactive_table": false`}},
		{args: "load --table - TOP", stdin: "0 8 linear /dev/mapper/BASE 0\n8 16 linear /dev/mapper/BASE 64\n"},
		{args: "resume TOP --json", has: []string{`"state": "running"`, `"targets": 2`}},
		{args: "deps TOP", has: []string{" BASE\n"}},
		{args: "status TOP", stdout: "0 8 linear\n8 16 linear\n"},
		{args: "status TOP --json", has: []string{`"target": "linear"`, `"start_bytes": 4096`}},
		{args: "suspend TOP --nolockfs --noflush --json", has: []string{`"state": "suspended"`}},
		{args: "resume TOP"},
		{args: "set-uuid TOP DMIMGTEST-TOP --json", has: []string{`"uuid": "DMIMGTEST-TOP"`}},
		{args: "set-uuid TOP DMIMGTEST-2", code: 1, stderr: []string{"kernel: set-uuid TOP: "}},
		{args: "rename --uuid DMIMGTEST-TOP x-TOP"},
		{args: "rename /dev/mapper/x-TOP TOP --json", has: []string{`"name": "TOP"`}},
		{args: "message TOP 0 @stats_create - /3", stdout: "0\n"},
		{args: "message TOP 0 @stats_list --json", has: []string{`"answer": "0: `}},
		{args: "message TOP 0 @stats_delete 0"},
		{args: "message TOP 0 what", code: 1, stderr: []string{"kernel: message TOP: invalid", "hint: "}},
		{args: "set-geometry TOP 10 4 8 0"},
		{args: "wait TOP 4242", has: []string{"\n"}},
		{args: "ls", has: []string{"NAME ", "BASE ", "TOP ", "DMIMGTEST-BASE"}},
		{args: "remove BASE", code: 1, stderr: []string{"kernel: remove BASE: in use", "hint: something has it open"}},
		{args: "remove BASE --deferred", stderr: []string{"BASE is open: it goes when it is closed"}},
		{args: "info BASE --json", has: []string{`"deferred_remove": true`, `"open_count": 1`}},
		{args: "message BASE 0 @cancel_deferred_remove"},
		{args: "remove TOP BASE --retry"},
		{args: "info TOP", code: 1, stderr: []string{"not found"}},
	} {
		k.run(t, s)
	}
}

// TestLiveKernelRefusals shows what is said of tables that pass our checks and not the kernel's.
func TestLiveKernelRefusals(t *testing.T) {
	k := newLiveKernel(t)
	for _, s := range []kernelStep{
		{args: "create-and-load TOP --table -", stdin: "0 8 linear /dev/not-there 0\n", code: 1, stderr: []string{"kernel: load TOP: ", "hint: tables name block devices"}},
		{args: "create-and-load TOP --table -", stdin: "0 8 linear /dev/mapper/BASE 8192\n", code: 1, stderr: []string{"kernel: load TOP: invalid", "hint: the kernel's log says why: dmesg"}},
		{args: "create-and-load TOP --table -", stdin: "0 8 not-a-target x\n", code: 1, stderr: []string{"kernel: load TOP: "}},
		{args: "create-and-load --table -", stdin: "TOP: 0 8 linear /dev/mapper/BASE 0\nx-TOP: 0 8 linear /dev/not-there 0\n", code: 1, stderr: []string{"kernel: load x-TOP: "}},
		{args: "info TOP", code: 1, stderr: []string{"not found"}},
	} {
		k.run(t, s)
	}
}

// TestLiveKernelTool compares what is printed with the real dmsetup.
func TestLiveKernelTool(t *testing.T) {
	k := newLiveKernel(t)
	tool := need(t, "dmsetup")
	k.run(t, kernelStep{
		args:  "create-and-load TOP --table -",
		stdin: "0 8 linear /dev/mapper/BASE 0\n8 8 crypt aes-xts-plain64 " + secretKey + " 0 /dev/mapper/BASE 0\n16 8 error\n",
	})
	for _, c := range [][2]string{
		{"table TOP", "table TOP"},
		{"table TOP --show-keys", "table --showkeys TOP"},
		{"status TOP", "status TOP"},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"kernel"}, strings.Fields(k.names(c[0]))...)
		if code := cli.Run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Errorf("kernel %s: exit status %d: %s", c[0], code, stderr.String())
		}
		out, err := exec.CommandContext(t.Context(), tool, strings.Fields(k.names(c[1]))...).Output()
		if err != nil {
			t.Errorf("dmsetup %s: %v", c[1], err)
		}
		if want := strings.ReplaceAll(string(out), " \n", "\n"); stdout.String() != want { // it keeps a blank without words
			t.Errorf("kernel %s:\n%sdmsetup prints\n%s", c[0], stdout.String(), want)
		}
	}
	path := filepath.Join(k.dir, "made")
	writeFile(t, path, []byte(k.names("0 8 linear /dev/mapper/BASE 16\n")))
	k.run(t, kernelStep{args: "remove TOP"})
	if out, err := exec.CommandContext(t.Context(), tool, "create", k.top, path).CombinedOutput(); err != nil {
		t.Fatalf("dmsetup create: %v: %s", err, out)
	}
	k.run(t, kernelStep{args: "info TOP --json", has: []string{`"state": "running"`}})
	k.run(t, kernelStep{args: "remove TOP"})
}

// TestLiveKernelEvents follows the life of a device.
func TestLiveKernelEvents(t *testing.T) {
	k := newLiveKernel(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, wait := streaming(ctx, "events")
	until := func(want string) {
		t.Helper()
		for line := next(); !strings.HasPrefix(line, k.names(want)); line = next() {
			if line == "(the end)" {
				t.Fatalf("the stream ended before %q", want)
			}
		}
	}
	until("present BASE ")
	k.run(t, kernelStep{args: "create-and-load TOP --table -", stdin: "0 8 linear /dev/mapper/BASE 0\n"})
	until("added TOP ")
	k.run(t, kernelStep{args: "rename TOP x-TOP"})
	until("renamed x-TOP ")
	k.run(t, kernelStep{args: "remove x-TOP"})
	until("removed x-TOP ")
	cancel()
	for next() != "(the end)" {
	}
	if code, stderr := wait(); code != 0 || stderr != "" {
		t.Errorf("exit status %d, %q", code, stderr)
	}
}

// TestLiveKernelRemoveAll runs in a machine that has no devices but ours.
func TestLiveKernelRemoveAll(t *testing.T) {
	if os.Getenv("DMIMG_LAB") != "1" {
		t.Skip("would remove the devices of this machine: for the lab only")
	}
	k := newLiveKernel(t)
	k.run(t, kernelStep{args: "create-and-load TOP --table -", stdin: "0 8 linear /dev/mapper/BASE 0\n"})
	k.run(t, kernelStep{args: "remove-all --force --json", has: []string{`"BASE"`, `"TOP"`, `"left": []`}})
	k.run(t, kernelStep{args: "ls"})
}

// TestKernelElsewhere asks the machine that the test runs on, where it has no device-mapper.
func TestKernelElsewhere(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/mapper/control"); err == nil && runtime.GOOS == "linux" {
		t.Skip("there is device-mapper here")
	}
	r := dmimg(t, "kernel", "version")
	if r.code != 1 || r.stdout != "" || !strings.Contains(r.stderr, "\nhint: ") || !strings.Contains(r.stderr, "dmimg volume read") {
		t.Errorf("%+v, want exit status 1 and what to do", r)
	}
}
