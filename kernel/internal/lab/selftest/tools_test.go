package selftest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

// needTools skips a test of the real tools in an image without them.
func needTools(t *testing.T) {
	t.Helper()
	t.Parallel()
	labtest.Inside(t)
	if os.Getenv("DMIMG_LAB_TOOLS") != "1" {
		t.Skip("this image is without the real tools")
	}
}

// stdin runs a program that reads text.
func stdin(t *testing.T, text, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// roundTrip writes to a mapping, and checks that it reads the same again and that
// the disk below does not show it.
func roundTrip(t *testing.T, mapping, disk string) {
	t.Helper()
	text := bytes.Repeat([]byte("written through the mapping "), 4096/28+1)[:4096]
	if err := os.WriteFile(mapping, text, 0); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(mapping); err != nil || !bytes.HasPrefix(got, text) {
		t.Errorf("%s reads %.40q, %v", mapping, got, err)
	}
	if raw, err := os.ReadFile(disk); err != nil || bytes.Contains(raw, text[:28]) {
		t.Errorf("%s holds the text unencrypted: %v", disk, err)
	}
}

func TestToolsCryptsetup(t *testing.T) {
	needTools(t)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"luks1", []string{"--type=luks1", "--pbkdf-force-iterations=1000"}},
		{"luks2", []string{"--type=luks2", "--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			disk, name := labtest.Disk(t, 24<<20), c.name+"_dmimgtest"
			stdin(t, "passphrase", "cryptsetup", append([]string{"luksFormat", "-q", "--key-file=-", disk}, c.args...)...)
			stdin(t, "passphrase", "cryptsetup", "open", "--key-file=-", disk, name)
			t.Cleanup(func() { tool(t, "cryptsetup", "close", name) })
			roundTrip(t, "/dev/mapper/"+name, disk)
		})
	}
}

func TestToolsVeritysetup(t *testing.T) {
	needTools(t)
	data, hashes := labtest.Disk(t, 1<<20), labtest.Disk(t, 1<<20)
	_, root, ok := strings.Cut(tool(t, "veritysetup", "format", data, hashes), "Root hash:")
	words := strings.Fields(root)
	if !ok || len(words) == 0 {
		t.Fatal("veritysetup prints no root hash")
	}
	tool(t, "veritysetup", "open", data, "verity_dmimgtest", hashes, words[0])
	t.Cleanup(func() { tool(t, "veritysetup", "close", "verity_dmimgtest") })
	if got, err := os.ReadFile("/dev/mapper/verity_dmimgtest"); err != nil || !bytes.Equal(got, make([]byte, 1<<20)) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

func TestToolsIntegritysetup(t *testing.T) {
	needTools(t)
	disk := labtest.Disk(t, 4<<20)
	tool(t, "integritysetup", "format", "-q", disk)
	tool(t, "integritysetup", "open", disk, "integrity_dmimgtest")
	t.Cleanup(func() { tool(t, "integritysetup", "close", "integrity_dmimgtest") })
	if got, err := os.ReadFile("/dev/mapper/integrity_dmimgtest"); err != nil || len(got) == 0 {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// TestToolsLVM makes a thin volume, for which lvm also calls thin_check.
func TestToolsLVM(t *testing.T) {
	needTools(t)
	disk := labtest.Disk(t, 64<<20)
	tool(t, "lvm", "vgcreate", "vg_dmimgtest", disk)
	t.Cleanup(func() { tool(t, "lvm", "vgremove", "-f", "vg_dmimgtest") })
	tool(t, "lvm", "lvcreate", "-y", "-L", "32M", "-T", "vg_dmimgtest/pool")
	tool(t, "lvm", "lvcreate", "-y", "-V", "16M", "-T", "vg_dmimgtest/pool", "-n", "thin")
	if got, err := os.ReadFile("/dev/mapper/vg_dmimgtest-thin"); err != nil || len(got) != 16<<20 {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}
