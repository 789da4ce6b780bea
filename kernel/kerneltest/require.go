package kerneltest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
)

// Suffix ends the names of all devices that tests make on a real kernel; tests remove no
// others.
const Suffix = "_dmimgtest"

// requireVariable makes a missing kernel a failure instead of a skip.
const requireVariable = "DMIMG_TEST_REQUIRE_KERNEL"

// Require opens the control device of the real kernel for a test, and closes it when the
// test ends. Without device-mapper or the right to use it the test is skipped, and says why;
// with DMIMG_TEST_REQUIRE_KERNEL=1 it fails.
func Require(t testing.TB) *kernel.Control {
	t.Helper()
	return RequireWith(t, kernel.Options{})
}

// RequireWith is Require with options.
func RequireWith(t testing.TB, o kernel.Options) *kernel.Control {
	t.Helper()
	c, err := kernel.Open(o)
	if err != nil {
		if os.Getenv(requireVariable) == "1" {
			t.Fatalf("a kernel with device-mapper is required: %v", err)
		}
		t.Skipf("no device-mapper to test with: %v (%s=1 makes this a failure)", err, requireVariable)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing the control device: %v", err)
		}
	})
	return c
}

// Name makes a device name of its own for a test: a word, random digits and [Suffix]. A
// device of that name is removed when the test ends.
func Name(t testing.TB, c *kernel.Control, word string) string {
	t.Helper()
	var random [6]byte
	if _, err := rand.Read(random[:]); err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(word, "/", "-") + "-" + hex.EncodeToString(random[:]) + Suffix
	t.Cleanup(func() { Remove(t, c, name) })
	return name
}

// Remove removes a device of a test if it is there, and waits while it is busy. A device
// whose name has no [Suffix] is refused.
func Remove(t testing.TB, c *kernel.Control, name string) {
	t.Helper()
	if !strings.HasSuffix(name, Suffix) {
		t.Errorf("%s is not a device of a test: its name does not end with %s", name, Suffix)
		return
	}
	ctx := context.Background()
	info, err := c.Info(kernel.ByName(name), kernel.InfoOptions{})
	if err == nil && info.Suspended() && info.HasLiveTable() { // or what has it open never ends
		_, err = c.Resume(ctx, kernel.ByName(name), kernel.ResumeOptions{})
	}
	if err == nil {
		_, err = c.Remove(ctx, kernel.ByName(name), kernel.RemoveOptions{Retry: true})
	}
	if err != nil && !errors.Is(err, kernel.ErrNotFound) {
		t.Errorf("removing a device of a test: %v", err)
	}
}
