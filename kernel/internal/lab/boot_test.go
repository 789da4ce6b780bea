package lab_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
)

const selftest = "github.com/dmimg/dmimg/kernel/internal/lab/selftest"

// selfCheck skips what checks the lab itself: "make test" boots it for the packages that
// need it.
func selfCheck(t *testing.T) {
	t.Helper()
	if os.Getenv("DMIMG_LAB_SELF_CHECK") != "1" {
		t.Skip("checks the lab itself: make lab-full does")
	}
}

// TestBoot boots each kernel with and without udev, and shows that the lab keeps
// its promises: package selftest has the tests of the guest.
func TestBoot(t *testing.T) {
	t.Parallel()
	selfCheck(t)
	for _, c := range []struct {
		kernel, udev string
	}{
		{"6.12", "1"},
		{"6.1", ""},
	} {
		t.Run("kernel="+c.kernel+",udev="+c.udev, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			image := filepath.Join(dir, "image,with comma")
			content := make([]byte, 1<<20)
			copy(content, "from the host")
			if err := os.WriteFile(image, content, 0o600); err != nil {
				t.Fatal(err)
			}
			labtest.Run(t, lab.Config{
				Kernel: c.kernel, Udev: c.udev == "1", Tools: []string{"dmsetup", "udevadm"}, CPUs: 2,
				Disks:     []lab.Disk{{Serial: "data", Path: image}, {Serial: "blank", Size: 1 << 20}},
				Artifacts: filepath.Join(dir, "artifacts"), Timeout: 3 * time.Minute,
			}, lab.TestPackage{
				Package: selftest, Args: []string{"-test.skip=TestTools|TestExtra|TestPanic"},
				Env: []string{"DMIMG_LAB_WANT=" + c.kernel, "DMIMG_LAB_UDEV=" + c.udev},
			})
			if t.Failed() {
				return
			}
			copy(content[512:], "from the guest")
			if got, err := os.ReadFile(image); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the guest did not change the disk as it said: %v", err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "artifacts", "left", "behind")); err != nil || string(got) != "by the guest" {
				t.Errorf("artifact is %q, %v", got, err)
			}
		})
	}
}

// TestCrash lets the kernel of a guest panic, and expects to read why.
func TestCrash(t *testing.T) {
	t.Parallel()
	selfCheck(t)
	labtest.Outside(t, lab.DefaultKernel)
	_, err := lab.GoTests(t.Context(), lab.Config{}, lab.TestPackage{
		Package: selftest, Args: []string{"-test.run=TestPanic"}, Env: []string{"DMIMG_LAB_PANIC=1"},
	})
	if errors.Is(err, lab.ErrMissing) {
		labtest.Check(t, err)
	}
	if !errors.Is(err, lab.ErrCrash) || !strings.Contains(err.Error(), "Kernel panic - not syncing: sysrq triggered crash") {
		t.Errorf("got %v, want %v and the panic", err, lab.ErrCrash)
	}
}
