package selftest

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

// TestKernel checks that the kernel is the one that was asked for, which
// DMIMG_LAB_WANT names.
func TestKernel(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Linux %s, %s", bytes.TrimSpace(release), runtime.Version())
	if want := os.Getenv("DMIMG_LAB_WANT"); !strings.HasPrefix(string(release), want+".") {
		t.Errorf("kernel %s, want %s", release, want)
	}
}

// dmVersion is DM_VERSION of linux/dm-ioctl.h: _IOWR(0xfd, 0, struct dm_ioctl),
// which is 312 bytes long.
const (
	dmVersion = 3<<30 | 312<<16 | 0xfd<<8
	dmSize    = 312
)

func TestControl(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	f, err := os.OpenFile("/dev/mapper/control", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	request := make([]byte, dmSize)
	for i, v := range []uint32{4, 0, 0, dmSize} { // the version that we speak, the size of the buffer
		binary.NativeEndian.PutUint32(request[4*i:], v)
	}
	if errno := ioctl(f, dmVersion, request); errno != 0 {
		t.Fatalf("DM_VERSION: %v", errno)
	}
	major, minor := binary.NativeEndian.Uint32(request), binary.NativeEndian.Uint32(request[4:])
	t.Logf("device-mapper %d.%d", major, minor)
	if major != 4 || minor < 27 {
		t.Errorf("DM_VERSION answers %d.%d, want 4.27 at least", major, minor)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	out := tool(t, "dmsetup", "targets")
	for _, target := range []string{"linear", "striped", "error"} {
		if !strings.Contains(out, target) {
			t.Errorf("dmsetup targets lacks %s:\n%s", target, out)
		}
	}
}

// TestLinear reads a file through a loop device and a linear mapping.
func TestLinear(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	disk := labtest.Disk(t, 1<<20)
	want := make([]byte, 1<<20)
	rand.Read(want)
	if err := os.WriteFile(disk, want, 0); err != nil {
		t.Fatal(err)
	}
	path := create(t, "linear", fmt.Sprintf("0 1000 linear %s 1000\n1000 1000 linear %[1]s 0", disk))
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, append(want[1000*512:2000*512:2000*512], want[:1000*512]...)) {
		t.Error("the mapping reads other bytes than were written below it")
	}
}

// TestModules makes the kernel ask for a target and ciphers that are modules.
func TestModules(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	disk := labtest.Disk(t, 1<<20)
	key := strings.Repeat("0123456789abcdef", 8)
	for _, cipher := range []string{"serpent-xts-plain64", "capi:adiantum(xchacha12,aes)-plain64", "aes-cbc-essiv:sha256"} {
		k := key[:64]
		if strings.Contains(cipher, "xts") {
			k = key
		}
		path := create(t, "crypt", fmt.Sprintf("0 2048 crypt %s %s 0 %s 0", cipher, k, disk))
		if data, err := os.ReadFile(path); err != nil || len(data) != 1<<20 || bytes.Equal(data, make([]byte, 1<<20)) {
			t.Errorf("%s: %d bytes, %v: want 1 MiB that are not zero", cipher, len(data), err)
		}
	}
}

// TestDisk checks the disk that package lab's test adds.
func TestDisk(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	content, err := os.ReadFile(guest.Disk("data"))
	if err != nil {
		t.Fatal(err)
	}
	if len(content) != 1<<20 || !bytes.HasPrefix(content, []byte("from the host")) {
		t.Fatalf("the disk has %d bytes and begins with %q", len(content), content[:16])
	}
	f, err := os.OpenFile(guest.Disk("data"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("from the guest"), 512); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(guest.OutDir, "left"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(guest.OutDir, "left", "behind"), []byte("by the guest"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestUdev checks who makes the nodes of mappings: udev makes links where it runs,
// libdevmapper makes devices where it does not. It is not parallel: it looks at the
// cookies of the whole machine.
func TestUdev(t *testing.T) {
	labtest.Inside(t)
	path := create(t, "udev", "0 8 zero")
	target, err := os.Readlink(path)
	if os.Getenv("DMIMG_LAB_UDEV") != "1" {
		if os.Getenv("DM_DISABLE_UDEV") != "1" || err == nil {
			t.Errorf("%s is a link to %q: want a node, and DM_DISABLE_UDEV set", path, target)
		}
		return
	}
	if err != nil || !strings.HasPrefix(target, "../dm-") {
		t.Errorf("%s is a link to %q, %v: want one of udev to ../dm-N", path, target, err)
	}
	if cookies := tool(t, "dmsetup", "udevcookies"); strings.Contains(cookies, "0xd4d") {
		t.Errorf("cookies are left:\n%s", cookies)
	}
	device := "/dev/" + filepath.Base(target)
	if out := tool(t, "udevadm", "info", "--query=property", device); !strings.Contains(out, "DM_NAME="+filepath.Base(path)) {
		t.Errorf("udev knows of %s:\n%s", device, out)
	}
}

// TestExtra uses what the extra modules have, in an image that has them.
func TestExtra(t *testing.T) {
	t.Parallel()
	labtest.Inside(t)
	if os.Getenv("DMIMG_LAB_EXTRA") != "1" {
		t.Skip("this image is without the extra modules")
	}
	key := strings.Repeat("0123456789abcdef", 4)
	for name, table := range map[string]string{
		"dust":                    "0 256 dust A 0 512",
		"ebs":                     "0 256 ebs A 0 1 8",
		"clone":                   "0 2048 clone A B C 8",
		"historical-service-time": "0 256 multipath 0 0 1 1 historical-service-time 0 2 1 A 1 B 1",
		"io-affinity":             "0 256 multipath 0 0 1 1 io-affinity 0 1 1 A 1",
		"sm4":                     "0 256 crypt sm4-xts-plain64 " + key + " 0 A 0",
		"aria":                    "0 256 crypt aria-xts-plain64 " + key + " 0 A 0",
		"hctr2":                   "0 256 crypt capi:hctr2(aes)-plain64 " + key + " 0 A 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, disk := range []string{"A", "B", "C"} {
				if strings.Contains(table, " "+disk+" ") {
					table = strings.ReplaceAll(table, " "+disk+" ", " "+labtest.Disk(t, 1<<20)+" ")
				}
			}
			if _, err := os.ReadFile(create(t, name, table)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPanic ends the guest, if DMIMG_LAB_PANIC says so: what the lab makes of that is
// for package lab to test.
func TestPanic(t *testing.T) {
	labtest.Inside(t)
	if os.Getenv("DMIMG_LAB_PANIC") != "1" {
		t.Skip("this guest shall live")
	}
	t.Fatal(os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0))
}

// create makes a mapping that goes with the test, and returns its path.
func create(t *testing.T, kind, table string) string {
	t.Helper()
	name := fmt.Sprintf("%s_%d_dmimgtest", kind, serial())
	cmd := exec.Command("dmsetup", "create", name)
	cmd.Stdin = strings.NewReader(table)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dmsetup create: %v: %s", err, out)
	}
	t.Cleanup(func() { tool(t, "dmsetup", "remove", "--retry", name) })
	return "/dev/mapper/" + name
}

// tool runs a program and returns its output.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

var serials atomic.Int64

// serial returns another number with each call.
func serial() int64 { return serials.Add(1) }
