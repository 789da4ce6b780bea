package cli_test

import (
	"bytes"
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// kernelOutput runs a kernel verb that must succeed.
func kernelOutput(t *testing.T, ctx context.Context, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run(ctx, append([]string{"kernel"}, args...), strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("kernel %q: exit status %d\n%s", args, code, stderr.String())
	}
	return stdout.String()
}

// TestKernelWrongUse gives wrong command lines: none of them reaches the kernel.
func TestKernelWrongUse(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"create":                             "takes 1 arguments, got 0",
		"create a b":                         "takes 1 arguments, got 2",
		"create a/b":                         "holds / or NUL",
		"create " + strings.Repeat("n", 128): "128 bytes, at most 127",
		"create a --uuid=":                   "the UUID is empty",
		"create a --minor 1048576":           "below 1048576",
		"create a --minor -1":                "minor",
		"create a --table x":                 "unknown flag --table",
		"load a":                             "give --table FILE",
		"load --table x":                     "takes 1 arguments, got 0",
		"resume":                             "takes 1 arguments",
		"resume a --uuid b":                  "takes no arguments, got 1",
		"resume --devno 253":                 "want MAJOR:MINOR",
		"resume --devno 4096:0":              "want MAJOR:MINOR",
		"resume --devno 1:1 --uuid x":        "not several of them",
		"info a --uuid x":                    "not several of them",
		"remove --uuid " + strings.Repeat("u", 129): "129 bytes, at most 128",
		"suspend --frobnicate a":                    "unknown flag --frobnicate",
		"rename a":                                  "takes 2 arguments, got 1",
		"rename a b/c":                              "holds / or NUL",
		"set-uuid a":                                "takes 2 arguments, got 1",
		"set-uuid a b --uuid c":                     "takes 1 arguments, got 2",
		"wait a many":                               "event number",
		"events --count 0":                          "--count 0",
		"set-geometry a 1 2 3":                      "takes 5 arguments, got 4",
		"set-geometry a 65536 1 1 0":                `CYLINDERS "65536"`,
		"set-geometry a 1 256 1 0":                  `HEADS "256"`,
		"set-geometry a 1 1 x 0":                    `SECTORS "x"`,
		"target-version":                            "takes 1 arguments",
		"version now":                               "takes no arguments",
		"frob":                                      `unknown command "frob"`,
		"message a 0":                               "at least 3 arguments",
		"table /dev/sda":                            "holds / or NUL",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			k := runSteps(t, kerneltest.Options{}, []kernelStep{{args: args, code: 2, stderr: []string{want}}})
			if calls := k.Calls(); len(calls) > 0 {
				t.Errorf("kernel %s reached the kernel: %v", args, calls)
			}
		})
	}
}

// TestKernelUnavailable shows what is said where there is no device-mapper, or no right to use it.
func TestKernelUnavailable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"no control device": {syscall.ENOENT, []string{"kernel: open: not supported", "dm_mod", "hint: load device-mapper (modprobe dm_mod)"}},
		"no driver":         {syscall.ENODEV, []string{"not supported", "hint: load device-mapper"}},
		"no privilege":      {syscall.EACCES, []string{"kernel: open: permission denied", "root", "hint: run it as root"}},
		"not ours":          {syscall.EPERM, []string{"permission denied", "hint: run it as root", "dmimg volume read"}},
		"not Linux":         {kernel.ErrNotSupported, []string{"not supported", "hint: ", "dmimg volume read"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"ls", "version", "info a", "remove a", "create-and-load a --table DIR/linear"} {
				runSteps(t, kerneltest.Options{}, []kernelStep{{
					do:   func(k *kerneltest.Kernel) { k.Inject(kerneltest.Fault{Call: "open", Err: c.err}) },
					args: verb, code: 1, stderr: c.want,
				}})
			}
		})
	}
}

// TestKernelRefusals shows what is said when the kernel refuses, and that nothing is left of a device half made.
func TestKernelRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call string
		err  error
		args string
		want []string
	}{
		"table":     {"load", syscall.EINVAL, "create-and-load a --table DIR/crypt", []string{"kernel: load a: invalid", "hint: the kernel's log says why"}},
		"in use":    {"load", syscall.EBUSY, "create-and-load a --table DIR/linear", []string{"kernel: load a: in use", "hint: a device that the table names is mounted"}},
		"resume":    {"resume", syscall.EIO, "create-and-load a --table DIR/linear", []string{"kernel: "}},
		"no memory": {"create", syscall.ENOMEM, "create a", []string{"kernel: create a: "}},
		"privilege": {"create", syscall.EACCES, "create a", []string{"kernel: create a: permission denied", "hint: run it as root"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := runSteps(t, kerneltest.Options{}, []kernelStep{{
				do:   func(k *kerneltest.Kernel) { k.Inject(kerneltest.Fault{Call: c.call, Err: c.err}) },
				args: c.args, code: 1, stderr: c.want,
			}})
			if len(k.Devices())+len(k.Nodes()) > 0 {
				t.Errorf("left behind: %v %v", k.Devices(), k.Nodes())
			}
		})
	}
}

// TestKernelVanishing shows that a list leaves out a device that is removed while it is made, and that a device that
// was asked for by name is missed.
func TestKernelVanishing(t *testing.T) {
	t.Parallel()
	vanish := func(call string) func(k *kerneltest.Kernel) {
		return func(k *kerneltest.Kernel) {
			k.Inject(kerneltest.Fault{Call: call, Do: func() { k.Vanish("bare") }})
		}
	}
	for _, c := range []struct {
		call string
		step kernelStep
	}{
		{"info", kernelStep{args: "ls", has: []string{"data"}}},
		{"info", kernelStep{args: "deps", has: []string{"data: 7:0"}}},
		{"status", kernelStep{args: "table", has: []string{"data: 0 8"}}},
		{"status", kernelStep{args: "status", has: []string{"data: 0 8"}}},
		{"status", kernelStep{args: "status bare data", code: 1, stderr: []string{"kernel: status bare: not found"}}},
	} {
		t.Run(c.step.args, func(t *testing.T) {
			t.Parallel()
			c.step.do = vanish(c.call)
			runSteps(t, kerneltest.Options{}, append(twoDevices, c.step))
		})
	}
}
