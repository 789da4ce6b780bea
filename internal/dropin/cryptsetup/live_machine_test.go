package cryptsetup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// locked is a machine whose control device cannot be opened.
type locked struct {
	kernel.System
	err error
}

func (l locked) OpenControl(string) (kernel.Transport, error) { return nil, l.err }

// TestMappingsWithoutKernel has the statuses that cryptsetup 2.6.1 has on a machine without
// device-mapper.
func TestMappingsWithoutKernel(t *testing.T) {
	t.Parallel()
	dir := liveImages(t)
	for _, c := range []struct {
		args string
		code int
	}{
		{"status x", 1},
		{"close x", 4},
		{"resize x", 4},
		{"refresh x", 1},
		{"open @/l2 x -d @/pass", 1},
		{"open --type plain @/junk x -d @/vk", 1},
		{"open @/none x -d @/pass", 4},
	} {
		for err, want := range map[error]string{syscall.ENOENT: "Is dm_mod kernel module loaded?", syscall.EACCES: "running as non-root user"} {
			args := strings.Fields(strings.ReplaceAll(c.args, "@/", dir+"/"))
			code, stdout, stderr := runMachine(t, live.Machine{System: locked{err: err}}, args, "")
			if code != c.code || stdout != "" || c.code == 1 && !strings.Contains(stderr, want) {
				t.Errorf("cryptsetup %s: status %d, want %d; %q, %q", c.args, code, c.code, stdout, stderr)
			}
		}
	}
}

// TestMappingFailures gives what the kernel refuses cryptsetup's status, and leaves nothing:
// no device, no loop device, no key.
func TestMappingFailures(t *testing.T) {
	t.Parallel()
	dir := liveImages(t)
	for _, c := range []struct {
		name, args string
		fault      kerneltest.Fault
		code       int
		stderr     string
	}{
		{"load", "open @/l2 vs -d @/pass", kerneltest.Fault{Call: "load", Err: syscall.E2BIG}, 4, "argument list too long"},
		{"load above tags", "open @/hmac vs -d @/pass", kerneltest.Fault{Call: "load", Skip: 1, Err: syscall.EINVAL}, 4, "invalid"},
		{"load of tags", "open @/hmac vs -d @/pass", kerneltest.Fault{Call: "load", Err: syscall.EINVAL}, 4, "vs_dif"},
		{"plain", "open --type plain @/junk vs -d @/vk", kerneltest.Fault{Call: "load", Err: syscall.EINVAL}, 4, "invalid"},
		{"in use below", "open @/l1 vs -d @/pass", kerneltest.Fault{Call: "load", Err: syscall.EBUSY}, 5, "in use"},
		{"taken meanwhile", "open @/l2 vs -d @/pass", kerneltest.Fault{Call: "create", Err: syscall.EBUSY}, 5, "Device vs already exists."},
		{"no rights", "open @/l2 vs -d @/pass", kerneltest.Fault{Call: "create", Err: syscall.EPERM}, 4, "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, k, _ := livetest.Fake(t, imageSize)
			k.Inject(c.fault)
			code, stdout, stderr := runMachine(t, m, strings.Fields(strings.ReplaceAll(c.args, "@/", dir+"/")), "")
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.stderr) || len(k.Devices()) != 0 {
				t.Errorf("status %d, want %d; %q, %q, want %q; devices %q", code, c.code, stdout, stderr, c.stderr, k.Devices())
			}
			if strings.Contains(stderr, "5aa533cc") {
				t.Error("the key is shown")
			}
		})
	}
	m, _, _ := livetest.Fake(t, imageSize)
	m.AttachLoop = func(string, activate.LoopOptions) (live.Loop, error) { return nil, errors.New("no more") }
	if code, _, stderr := runMachine(t, m, []string{"open", filepath.Join(dir, "l2"), "vs", "-d", filepath.Join(dir, "pass")}, ""); code != 4 || !strings.Contains(stderr, "no more") {
		t.Errorf("no loop device: status %d, %q", code, stderr)
	}
}

// TestStatusOfSpecs prints ciphers as headers have them.
func TestStatusOfSpecs(t *testing.T) {
	t.Parallel()
	m, _, c := livetest.Fake(t, imageSize)
	for _, row := range []struct {
		spec, integrity string
		key             int
		want            string
	}{
		{"aes-xts-plain64", "", 64, "aes-xts-plain64\n  keysize: 512 bits\n"},
		{"capi:xts(aes)-plain64", "", 64, "capi:xts(aes)-plain64\n  keysize: 512 bits\n"},
		{"capi:authenc(hmac(sha256),xts(aes))-plain64", "32:aead", 96, "aes-xts-plain64\n  keysize: 768 bits\n  key location: dm-crypt\n  integrity: hmac(sha256)\n  integrity keysize: 256 bits\n"},
		{"capi:authenc(cmac(aes),xts(aes))-random", "32:aead", 80, "aes-xts-random\n  keysize: 640 bits\n  key location: dm-crypt\n  integrity: cmac(aes)\n"},
		{"capi:rfc7539(chacha20,poly1305)-random", "28:aead", 32, "chacha20-random\n  keysize: 256 bits\n  key location: dm-crypt\n  integrity: poly1305\n"},
		{"capi:rfc4309(ccm(aes))-random", "24:aead", 35, "aes-ccm-random\n"},
		{"capi:gcm(aes)-random", "28:aead", 32, "aes-gcm-random\n"},
		{"capi:aegis128-random", "32:aead", 16, "aegis128-random\n"},
		{"capi:()-", "32:aead", 16, "()-\n"},
	} {
		o := kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: "CRYPT-PLAIN-vs"}}
		table := tables.CryptTable{Length: 4096, BackendDevice: "/dev/loop0", Encryption: row.spec, Key: make([]byte, row.key), Integrity: row.integrity}
		if _, err := c.CreateAndLoad(t.Context(), "vs", o, table); err != nil {
			t.Fatalf("%s: %v", row.spec, err)
		}
		code, stdout, stderr := runMachine(t, m, []string{"status", "vs"}, "")
		if code != 0 || !strings.Contains(stdout, "  cipher:  "+row.want) {
			t.Errorf("%s: status %d, %s%s", row.spec, code, stdout, stderr)
		}
		if code, _, stderr := runMachine(t, m, []string{"close", "vs"}, ""); code != 0 {
			t.Errorf("close: %d, %s", code, stderr)
		}
	}
}

// TestReloadsAreRefused has devices that cannot be given another table.
func TestReloadsAreRefused(t *testing.T) {
	t.Parallel()
	dir := liveImages(t)
	m, _, c := livetest.Fake(t, imageSize)
	run := func(code int, want, line string) {
		t.Helper()
		got, stdout, stderr := runMachine(t, m, strings.Fields(strings.ReplaceAll(line, "@/", dir+"/")), "")
		if got != code || !strings.Contains(stderr, want) {
			t.Errorf("cryptsetup %s: status %d, want %d; %q, %q, want %q", line, got, code, stdout, stderr, want)
		}
	}
	run(0, "", "open @/hmac vs -d @/pass")
	run(1, "cannot be resized", "resize vs")
	run(0, "", "refresh vs -d @/pass --perf-no_read_workqueue")
	run(0, "", "close vs")
	run(0, "", "open @/body vs --header @/head -d @/pass")
	run(1, "name it with --header", "refresh vs -d @/pass")
	run(0, "", "refresh vs -d @/pass --header @/head --allow-discards")
	run(0, "", "resize vs -b 8 -d @/pass --header @/head")
	run(0, "", "close vs")
	run(0, "", "open @/l4k vs -d @/pass")
	run(1, "not aligned", "resize vs -b 9 -d @/pass")
	run(0, "", "refresh vs -d @/pass --persistent --allow-discards")
	run(0, "", "close vs")
	if _, err := c.CreateAndLoad(t.Context(), "lin", kernel.ActivateOptions{}, tables.ZeroTable{Length: 4096}); err != nil {
		t.Fatal(err)
	}
	run(1, "no device of cryptsetup", "resize lin")
	run(1, "no device of cryptsetup", "refresh lin -d @/pass")
	b, err := os.ReadFile(filepath.Join(dir, "l4k"))
	if err != nil || !strings.Contains(string(b[:16<<10]), `"flags":["allow-discards"]`) {
		t.Errorf("the flag is not in the header, %v", err)
	}
}
