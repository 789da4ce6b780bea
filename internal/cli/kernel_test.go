package cli_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// kernelStep is one command line of a test against a fake kernel. In args and texts DIR/ is the folder of the test.
type kernelStep struct {
	args   string // blanks part the words
	stdin  string
	code   int
	stdout string   // exact
	has    []string // parts of stdout, when the whole is not said
	stderr []string // parts of stderr; none: it is empty
	do     func(k *kerneltest.Kernel)
}

// fakeFiles are the files of every test.
var fakeFiles = map[string]string{
	"linear":  "0 2048 linear /dev/sda 0\n",
	"named":   "other: 0 2048 linear /dev/sda 0\n",
	"two":     "one: 0 8 linear /dev/sda 0\ntwo: 0 8 linear /dev/sdb 8\ntwo: 8 8 zero\n",
	"concise": "root,UUID-1,7,ro,0 8 linear /dev/sda 0",
	"boot":    `dm-mod.create="a,,,rw,0 8 linear /dev/sda 0;b,,,rw,0 8 zero"`,
	"gap":     "0 8 linear /dev/sda 0\n16 8 zero\n",
	"nodisk":  "0 8 linear /dev/nothing 0\n",
	"clash":   "a: 0 8 linear /dev/sda 0\nb: 0 8 linear /dev/nothing 0\n",
	"crypt":   "0 8 crypt aes-xts-plain64 " + secretKey + " 0 /dev/sda 0\n",
	"verity": "0 8 verity 1 /dev/sda /dev/sdb 4096 4096 1 1 sha256 " +
		strings.Repeat("1f", 32) + " " + strings.Repeat("ab", 32) + "\n",
	"empty": "\n",
}

// secretKey must not be seen in any output that was not asked for keys.
var secretKey = strings.Repeat("c0ffee42", 8)

// newFakeKernel is a fake kernel with two disks, a context that leads the program to it, and a folder with [fakeFiles].
func newFakeKernel(t *testing.T, o kerneltest.Options) (*kerneltest.Kernel, context.Context, string) {
	t.Helper()
	k := kerneltest.New(t, o)
	k.AddDisk("/dev/sda", 16<<20)
	k.AddDisk("/dev/sdb", 16<<20)
	dir := t.TempDir()
	for name, text := range fakeFiles {
		writeFile(t, filepath.Join(dir, name), []byte(text))
	}
	return k, cli.WithKernel(t.Context(), kernel.Options{System: k}), dir
}

// runSteps runs command lines against a fake kernel, one after the other.
func runSteps(t *testing.T, o kerneltest.Options, steps []kernelStep) *kerneltest.Kernel {
	t.Helper()
	k, ctx, dir := newFakeKernel(t, o)
	for _, step := range steps {
		if step.do != nil {
			step.do(k)
		}
		if step.args != "" {
			step.run(t, ctx, dir)
		}
	}
	return k
}

func (s kernelStep) run(t *testing.T, ctx context.Context, dir string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := append([]string{"kernel"}, strings.Fields(strings.ReplaceAll(s.args, "DIR/", dir+string(filepath.Separator)))...)
	code := cli.Run(ctx, args, strings.NewReader(s.stdin), &stdout, &stderr)
	if code != s.code {
		t.Errorf("kernel %s: exit status %d, want %d\n%s", s.args, code, s.code, stderr.String())
	}
	for _, part := range s.has {
		if !strings.Contains(stdout.String(), part) {
			t.Errorf("kernel %s: no %q in stdout:\n%s", s.args, part, stdout.String())
		}
	}
	if s.has == nil && stdout.String() != s.stdout {
		t.Errorf("kernel %s: stdout\n%s\nwant\n%s", s.args, stdout.String(), s.stdout)
	}
	for _, part := range s.stderr {
		if !strings.Contains(stderr.String(), part) {
			t.Errorf("kernel %s: no %q in stderr:\n%s", s.args, part, stderr.String())
		}
	}
	if s.stderr == nil && stderr.Len() > 0 {
		t.Errorf("kernel %s: stderr %q, want none", s.args, stderr.String())
	}
	if !strings.Contains(s.args, "--show-keys") && strings.Contains(stdout.String()+stderr.String(), secretKey) {
		t.Errorf("kernel %s: the key is shown", s.args)
	}
}

// TestKernelLifecycle goes through the verbs that change devices, with and without udev.
func TestKernelLifecycle(t *testing.T) {
	t.Parallel()
	for name, udev := range map[string]kerneltest.Udev{"no udev": kerneltest.NoUdev, "udev": kerneltest.UdevAtOnce} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := runSteps(t, kerneltest.Options{Udev: udev}, []kernelStep{
				{args: "create data --minor 5"},
				{args: "ls", stdout: "NAME  DEVICE  OPEN  UUID\ndata  253:5   0     -\n"},
				{args: "create data", code: 1, stderr: []string{"kernel: create data: exists already", "hint: dmimg kernel ls"}},
				{args: "create more --minor 5", code: 1, stderr: []string{"exists already"}},
				{args: "load data --table DIR/linear"},
				{args: "info data --json", has: []string{`"state": "no_table"`, `"inactive_table": true`, `"live_table": false`}},
				{args: "clear data --json", has: []string{`"inactive_table": false`}},
				{args: "load --table - data", stdin: fakeFiles["linear"]},
				{args: "resume data --json", has: []string{`"state": "running"`, `"minor": 5`}},
				{args: "suspend data --noflush --nolockfs --json", has: []string{`"state": "suspended"`, `"suspended": true`}},
				{args: "resume /dev/mapper/data"},
				{args: "rename data moved"},
				{args: "set-uuid moved --json MINE-1", has: []string{`"uuid": "MINE-1"`}},
				{args: "set-uuid moved --uuid MINE-2", code: 1, stderr: []string{"invalid"}},
				{args: "rename --uuid MINE-1 again"},
				{args: "info --devno 253:5 --json", has: []string{`"name": "again"`}},
				{args: "set-geometry again 100 4 32 0"},
				{args: "set-geometry again 100 4 32 64 --json", has: []string{`"name": "again"`}},
				{args: "remove --devno 253:5"},
				{args: "ls"},
				{args: "ls --json", stdout: "{\n  \"devices\": []\n}\n"},
				{args: "info"},
			})
			if n := k.Nodes(); len(n) != 0 {
				t.Errorf("nodes left: %v", n)
			}
		})
	}
}

// TestKernelGeometry shows that the numbers arrive.
func TestKernelGeometry(t *testing.T) {
	t.Parallel()
	k := runSteps(t, kerneltest.Options{}, []kernelStep{
		{args: "create-and-load a --table DIR/linear"},
		{args: "set-geometry a 100 4 32 64"},
	})
	if g := k.Geometry("a"); g != "100 4 32 64" {
		t.Errorf("geometry %q", g)
	}
}

// TestKernelCreateAndLoad makes devices of every form of a table.
func TestKernelCreateAndLoad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, stdin, code string
		devices                 string
		stderr                  []string
	}{
		{name: "lines", args: "data --table DIR/linear", devices: "data"},
		{name: "standard input", args: "data --table -", stdin: fakeFiles["linear"], devices: "data"},
		{name: "one named device under another name", args: "data --table DIR/named", devices: "data"},
		{name: "its own name", args: "--table DIR/named", devices: "other"},
		{name: "one of several", args: "two --table DIR/two", devices: "two"},
		{name: "all of several", args: "--table DIR/two", devices: "one two"},
		{name: "concise", args: "--table DIR/concise", devices: "root"},
		{name: "boot parameter", args: "--table DIR/boot", devices: "a b"},
		{name: "verity", args: "v --readonly --table DIR/verity", devices: "v"},
		{name: "unchecked", args: "v --unchecked --table DIR/linear", devices: "v"},
		{name: "none of several", args: "three --table DIR/two", code: "1", stderr: []string{`holds 2 devices, none of them "three"`, "hint: it holds one, two"}},
		{name: "no name", args: "--table DIR/linear", code: "2", stderr: []string{"does not name its device: give NAME"}},
		{name: "uuid of several", args: "--uuid X --table DIR/two", code: "2", stderr: []string{"--uuid and --minor need NAME"}},
		{name: "gap", args: "g --table DIR/gap", code: "1", stderr: []string{"gap: tables: ", "not contiguous", "hint: nothing was loaded"}},
		{name: "verity that may be written", args: "v --table DIR/verity", code: "1", stderr: []string{"read-only devices only", "hint: add --readonly"}},
		{name: "empty", args: "v --table DIR/empty", code: "1", stderr: []string{"holds no table"}},
		{name: "no file", args: "v --table DIR/missing", code: "1", stderr: []string{"missing"}},
		{name: "no disk", args: "v --table DIR/nodisk", code: "1", stderr: []string{"kernel: load v: ", "losetup"}},
		{name: "the second has no disk", args: "--table DIR/clash", code: "1", stderr: []string{"kernel: load b: "}},
		{name: "itself", args: "sdx --table -", stdin: "0 8 linear /dev/mapper/sdx 0\n", code: "1", stderr: []string{"names its own device"}},
		{name: "no table", args: "v", code: "2", stderr: []string{"give --table FILE", "hint: usage: dmimg kernel create-and-load"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			step := kernelStep{args: "create-and-load " + c.args, stdin: c.stdin, stderr: c.stderr}
			if c.code != "" {
				step.code = int(c.code[0] - '0')
			}
			k := runSteps(t, kerneltest.Options{}, []kernelStep{step})
			if got := strings.Join(k.Devices(), " "); got != c.devices {
				t.Errorf("devices %q, want %q", got, c.devices)
			}
		})
	}
}

// TestKernelCreateAndLoadAttributes shows which of table and flags decides.
func TestKernelCreateAndLoadAttributes(t *testing.T) {
	t.Parallel()
	runSteps(t, kerneltest.Options{}, []kernelStep{
		{
			args: "create-and-load --table DIR/concise --json",
			has:  []string{`"devices": [`, `"name": "root"`, `"uuid": "UUID-1"`, `"minor": 7`, `"read_only": true`, `"state": "running"`},
		},
		{
			args: "create-and-load mine --table DIR/concise --uuid UUID-2 --minor 9 --json",
			has:  []string{"{\n  \"name\": \"mine\"", `"uuid": "UUID-2"`, `"minor": 9`, `"read_only": true`},
		},
		{args: "create-and-load rw --table DIR/linear --json", has: []string{`"read_only": false`}},
		{args: "create-and-load ro --table DIR/linear --readonly --json", has: []string{`"read_only": true`}},
	})
}

// TestKernelRemove shows what becomes of devices that are open.
func TestKernelRemove(t *testing.T) {
	t.Parallel()
	var release func()
	hold := func(k *kerneltest.Kernel) { release = k.Hold("a") }
	runSteps(t, kerneltest.Options{}, []kernelStep{
		{args: "create-and-load a --table DIR/linear"},
		{args: "create-and-load b --table DIR/linear"},
		{args: "remove", code: 2, stderr: []string{"say which device", "remove-all --force"}},
		{
			args: "remove a b c --json", do: hold, code: 1,
			has: []string{
				`"device": "a",` + "\n      \"removed\": false", `"device": "b",` + "\n      \"removed\": true",
				`"problem": "kernel: remove c: not found`,
			},
			stderr: []string{"kernel: remove a: in use", "kernel: remove c: not found", "hint: something has it open"},
		},
		{args: "remove a --deferred", stderr: []string{"a is open: it goes when it is closed"}},
		{args: "info a", has: []string{"deferred remove:          yes\n", "open count:               1\n"}},
		{do: func(*kerneltest.Kernel) { release() }, args: "ls"},
		{args: "create-and-load c --table DIR/linear"},
		{args: "create-and-load a --table DIR/linear"},
		{args: "remove-all", code: 2, stderr: []string{"needs --force", "hint: "}},
		{args: "remove-all --force", do: hold, stderr: []string{"a is open: it stays"}},
		{args: "create-and-load c --table DIR/linear"},
		{args: "remove-all --force --json", stdout: "{\n  \"removed\": [\n    \"c\"\n  ],\n  \"left\": [\n    \"a\"\n  ]\n}\n"},
		{do: func(*kerneltest.Kernel) { release() }, args: "remove a --retry --no-udev"},
		{args: "ls"},
	})
}

// TestKernelUdevMode shows that the variable of all device-mapper programs is heeded.
func TestKernelUdevMode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		noUdev   bool
		disabled string
		want     kernel.UdevSync
	}{
		{false, "", kernel.UdevAuto},
		{true, "", kernel.UdevOff},
		{false, "1", kernel.UdevOff},
	} {
		if got := cli.UdevMode(c.noUdev, c.disabled); got != c.want {
			t.Errorf("--no-udev %t, DM_DISABLE_UDEV %q: %v, want %v", c.noUdev, c.disabled, got, c.want)
		}
	}
	k := runSteps(t, kerneltest.Options{Udev: kerneltest.UdevHung}, []kernelStep{
		{args: "create-and-load a --no-udev --table DIR/linear"},
		{args: "rename a b --no-udev"},
	})
	if n, ok := k.Nodes()["b"]; !ok || n.Link || len(k.Nodes()) != 1 {
		t.Errorf("nodes %v, want b", k.Nodes())
	}
	if slices.Contains(k.Calls(), "semget") {
		t.Errorf("a semaphore was asked for: %v", k.Calls())
	}
}
