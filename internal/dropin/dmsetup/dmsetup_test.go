package dmsetup

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   string
		values map[string]string
		words  string
		wrong  string
	}{
		{args: "info -c lin", values: map[string]string{"columns": ""}, words: "info lin"},
		{args: "-co name info", values: map[string]string{"columns": "", "options": "name"}, words: "info"},
		{args: "info -oname,uuid", values: map[string]string{"options": "name,uuid"}, words: "info"},
		{args: "info --noh --options=a=b", values: map[string]string{"noheadings": "", "options": "a=b"}, words: "info"},
		{args: "create x --table -n", values: map[string]string{"table": "-n"}, words: "create x"},
		{args: "remove -- -x", words: "remove -x"},
		{args: "splitname -", words: "splitname -"},
		{args: "-u a -u b ls", values: map[string]string{"uuid": "b"}, words: "ls"},
		{args: "--col", values: map[string]string{"columns": ""}},
		{args: "--region", values: map[string]string{"region": ""}},
		{args: "--regio", wrong: "dmsetup: option '--regio' is ambiguous; possibilities: '--region' '--regionid' '--regions'"},
		{args: "--tree=x", wrong: "dmsetup: option '--tree' doesn't allow an argument"},
		{args: "ls -o", wrong: "dmsetup: option requires an argument -- 'o'"},
		{args: "-v9", wrong: "dmsetup: invalid option -- '9'"},
		{args: "--=", wrong: "ambiguous"},
	} {
		line, err := parse(strings.Fields(c.args))
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: error %v, want %s", c.args, err, c.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
			continue
		}
		if c.values == nil {
			c.values = map[string]string{}
		}
		if !reflect.DeepEqual(line.values, c.values) || strings.Join(line.words, " ") != c.words {
			t.Errorf("%s: got %v and %q, want %v and %q", c.args, line.values, line.words, c.values, c.words)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, params, want string }{
		{"crypt", "aes-xts-plain64 0011aa 0 7:2 0", "aes-xts-plain64 000000 0 7:2 0"},
		{"crypt", "cipher_null-ecb - 0 7:2 0", "cipher_null-ecb 0 0 7:2 0"}, // as dmsetup
		{"crypt", "aes-xts-plain64 :64:logon:cryptsetup:x 0 7:2 0", "aes-xts-plain64 :64:logon:cryptsetup:x 0 7:2 0"},
		{"crypt", "aes-xts-plain64 0011", "aes-xts-plain64 0000"},
		{"crypt", "aes", "aes"},
		{"inlinecrypt", "aes-xts-plain64 0011aa 0 7:2 0", "aes-xts-plain64 000000 0 7:2 0"},
		{"integrity", "7:3 0 32 J 2 internal_hash:hmac(sha256):00aabb journal_crypt:ctr(aes):cc", "7:3 0 32 J 2 internal_hash:hmac(sha256):000000 journal_crypt:ctr(aes):00"},
		{"integrity", "7:3 0 4 J 1 internal_hash:crc32c", "7:3 0 4 J 1 internal_hash:crc32c"},
		{"verity", "1 7:0 7:1 4096 4096 64 1 sha256 " + strings.Repeat("ab", 32) + " -", "1 7:0 7:1 4096 4096 64 1 sha256 " + strings.Repeat("ab", 32) + " -"},
	} {
		var out bytes.Buffer
		line := tables.Line{Length: 8, Target: c.target, Params: c.params}
		if got := newTool(t, &out).params(line); got != c.want {
			t.Errorf("%s %s is shown as %s, want %s", c.target, c.params, got, c.want)
		}
		if got := newTool(t, &out, "--showkeys").params(line); got != c.params {
			t.Errorf("with --showkeys %s is shown as %s", c.params, got)
		}
	}
}

// TestUsageShowsVerbs keeps the usage and the list of verbs together.
func TestUsageShowsVerbs(t *testing.T) {
	t.Parallel()
	usage, help := usageText(), fieldHelp()
	for _, c := range commands() {
		if !strings.Contains(usage, "\n\t"+c.name+" ") {
			t.Errorf("the usage does not have %s", c.name)
		}
	}
	for _, s := range sections {
		for _, f := range s.fields {
			if !strings.Contains(help, "\n  "+f.id+" ") || f.heading == "" || f.width < 3 {
				t.Errorf("the field %s is not complete, or not in the help", f.id)
			}
		}
	}
	for _, line := range strings.Split(usage, "\n") {
		if len(line) > 80 {
			t.Errorf("the line %q of the usage is longer than 80 bytes", line)
		}
	}
}

// runOn runs ours on a fake kernel with the environment given.
func runOn(t *testing.T, k *kerneltest.Kernel, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	host := Host{System: k, SysDir: t.TempDir(), Getenv: func(name string) string { return env[name] }}
	status := Run(context.Background(), args, ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, host)
	return result{stdout.String(), stderr.String(), map[int]string{0: "0", 1: "1"}[status]}
}

// TestUdevCookies makes a cookie, gives it to verbs, and waits for it.
func TestUdevCookies(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{Udev: kerneltest.UdevLater})
	made := runOn(t, k, nil, "udevcreatecookie")
	cookie := strings.TrimSpace(made.stdout)
	if made.status != "0" || len(cookie) != len("0x0D4D1234") || !strings.HasPrefix(cookie, "0x0D4D") {
		t.Fatalf("udevcreatecookie gives %+v", made)
	}
	if r := runOn(t, k, nil, "create", "a", "--udevcookie", cookie, "--table", "0 8 zero"); r.status != "0" {
		t.Fatalf("create gives %+v", r)
	}
	env := map[string]string{"DM_UDEV_COOKIE": cookie}
	if r := runOn(t, k, env, "create", "b", "--table", "0 8 zero"); r.status != "0" {
		t.Fatalf("create gives %+v", r)
	}
	if r := runOn(t, k, nil, "udevcookies"); !strings.Contains(r.stdout, "\n0xd4d"+strings.ToLower(cookie[6:])) {
		t.Errorf("udevcookies does not list %s: %+v", cookie, r)
	}
	k.RunUdev()
	if r := runOn(t, k, env, "udevreleasecookie"); r != (result{status: "0"}) {
		t.Errorf("udevreleasecookie gives %+v", r)
	}
	if r := runOn(t, k, nil, "create", "c", "--udevcookie", cookie, "--table", "0 8 zero"); r.status != "1" || strings.Contains(strings.Join(k.Devices(), " "), "c") {
		t.Errorf("a cookie that is gone gives %+v, devices %v", r, k.Devices())
	}
	if r := runOn(t, k, nil, "create", "c", "--udevcookie", "0x1234", "--table", "0 8 zero"); r.status != "1" || !strings.Contains(r.stderr, "Incorrect cookie prefix.") {
		t.Errorf("a cookie of another kind gives %+v", r)
	}
}

// TestUdevCompletes ends cookies as udev, and as an administrator.
func TestUdevCompletes(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{Udev: kerneltest.UdevHung})
	first := strings.TrimSpace(runOn(t, k, nil, "udevcreatecookie").stdout)
	runOn(t, k, nil, "udevcreatecookie")
	if r := runOn(t, k, nil, "udevcomplete", first); r.status != "0" || !strings.HasPrefix(r.stdout, "DM_COOKIE_COMPLETED=0xd4d") {
		t.Errorf("udevcomplete gives %+v", r)
	}
	if r := runOn(t, k, nil, "udevcomplete", "0xd4d0000"); r.status != "0" {
		t.Errorf("udevcomplete of flags only gives %+v", r)
	}
	if r := runOn(t, k, nil, "udevcomplete_all", "-y", "1000"); r.stdout != "0 semaphores with keys prefixed by 3405 (0xd4d) destroyed. 2 skipped.\n" {
		t.Errorf("udevcomplete_all of old ones gives %+v", r)
	}
	if r := runOn(t, k, nil, "udevcomplete_all", "-y"); r.stdout != "2 semaphores with keys prefixed by 3405 (0xd4d) destroyed. 0 skipped.\n" {
		t.Errorf("udevcomplete_all gives %+v", r)
	}
}

// TestNoUdevSync leaves the node to udev, and does not wait.
func TestNoUdevSync(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{Udev: kerneltest.UdevHung})
	if r := runOn(t, k, nil, "create", "a", "--noudevsync", "--table", "0 8 zero"); r.status != "0" {
		t.Errorf("create gives %+v", r)
	}
	if cookies, err := k.Semaphores(); err != nil || len(cookies) != 0 {
		t.Errorf("%d semaphores are left, %v", len(cookies), err)
	}
}

// TestCreateReverts removes what could not be finished.
func TestCreateReverts(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"load", "resume"} {
		k := kerneltest.New(t, kerneltest.Options{})
		k.Inject(kerneltest.Fault{Call: call, Err: syscall.ENOMEM})
		r := runOn(t, k, nil, "create", "a", "--table", "0 8 zero")
		if r.status != "1" || !strings.Contains(r.stderr, "failed: Cannot allocate memory\n") || len(k.Devices()) != 0 {
			t.Errorf("with a %s that fails: %+v, devices %v", call, r, k.Devices())
		}
		k.Inject(kerneltest.Fault{Call: call, Err: syscall.ENOMEM})
		k.Inject(kerneltest.Fault{Call: "remove", Err: syscall.EPERM})
		r = runOn(t, k, nil, "create", "a", "--table", "0 8 zero")
		if !strings.Contains(r.stderr, "Failed to revert device creation.\n") || len(k.Devices()) != 1 {
			t.Errorf("with a remove that fails too: %+v, devices %v", r, k.Devices())
		}
	}
}

// TestNodes makes nodes as distributions of dmsetup do, or as the options say.
func TestNodes(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{})
	for _, args := range []string{"create a --table", "create b -U 5 -G 7 -M 0640 --table"} {
		if r := runOn(t, k, nil, append(strings.Fields(args), "0 8 zero")...); r.status != "0" {
			t.Fatalf("%s: %+v", args, r)
		}
	}
	if r := runOn(t, k, nil, "create", "c", "-n", "--addnodeoncreate"); r.status != "0" {
		t.Fatalf("create -n: %+v", r)
	}
	for _, name := range []string{"a", "b", "c"} {
		if _, err := k.NodeDevno("/dev/mapper/" + name); err != nil {
			t.Errorf("%s has no node: %v", name, err)
		}
	}
	o := newTool(t, new(bytes.Buffer)).nodeOptions()
	if want := (kernel.NodeOptions{Mode: 0o660, GID: 6}); o != want {
		t.Errorf("nodes get %+v, want %+v", o, want)
	}
	o = newTool(t, new(bytes.Buffer), "-U", "5", "-G", "7", "-M", "0640").nodeOptions()
	if want := (kernel.NodeOptions{Mode: 0o640, UID: 5, GID: 7}); o != want {
		t.Errorf("nodes get %+v, want %+v", o, want)
	}
}

// TestReadAhead sets the read ahead in sectors, sysfs counts KiB.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	devno := kernel.Mkdev(kerneltest.Major, 3)
	for text, want := range map[string]string{
		"auto": "128", "none": "0", "512": "256", "511": "256", "+512": "256", "+100": "128", "bogus": "0", "5x": "3",
	} {
		tl := newTool(t, new(bytes.Buffer))
		dir := filepath.Join(tl.blockDir(devno), "bdi")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "read_ahead_kb")
		if err := os.WriteFile(path, []byte("128"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := tl.setReadAhead(devno, text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("--readahead %s sets %q, want %q (%v)", text, got, want, err)
		}
	}
}

// TestNoKernel says what is missing, in the words that scripts look for.
func TestNoKernel(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{})
	k.Inject(kerneltest.Fault{Call: "open", Err: syscall.ENODEV, Times: 2})
	r := runOn(t, k, nil, "ls")
	if r.status != "1" || !strings.HasPrefix(r.stderr, "/dev/mapper/control: open failed: No such device\n") || !strings.HasSuffix(r.stderr, "\nCommand failed.\n") {
		t.Errorf("ls gives %+v", r)
	}
	if r := runOn(t, k, nil, "version"); r.status != "1" || !strings.HasPrefix(r.stdout, "Library version:   1.02.185 (") {
		t.Errorf("version gives %+v", r)
	}
}

// TestInterrupt ends a wait with its context.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	k := kerneltest.New(t, kerneltest.Options{})
	if r := runOn(t, k, nil, "create", "a", "--table", "0 8 zero"); r.status != "0" {
		t.Fatalf("create gives %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	host := Host{System: k, Getenv: func(string) string { return "" }}
	status := Run(ctx, []string{"wait", "a", "0"}, ui.Streams{In: strings.NewReader(""), Out: &out, Err: &out}, host)
	if status != 1 || out.String() != "Interrupted.\n" {
		t.Errorf("status %d, %q", status, out.String())
	}
}
