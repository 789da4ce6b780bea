package luks_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/stack"
)

// The tests of this file run inside the kernel lab, where cryptsetup has device-mapper:
// only with it cryptsetup knows other ciphers than AES.
//
//	go run ./kernel/internal/lab/cmd/lab test -tools cryptsetup,losetup -extra -memory 1024 -timeout 35m \
//		./crypt/luks -test.run=Live

// inLab skips a test outside of it.
func inLab(t *testing.T) {
	t.Helper()
	if os.Getenv("DMIMG_LAB") != "1" {
		t.Skip("needs a live device-mapper: it runs inside the lab, see live_linux_test.go")
	}
	for _, program := range []string{"cryptsetup", "losetup"} {
		tool(t, program)
	}
}

const (
	livePass = "pass\x00word\n"
	liveSize = 2<<20 + 128<<10 // bytes of an image: LUKS1 with long keys puts its data at 2 MiB
	liveKeep = 32 << 10        // bytes that are written at either end of the data
)

// liveImage is the files of a row.
type liveImage struct {
	dir, image, header string // header: "" if it is in the image
}

func newLiveImage(t *testing.T, r liveRow) liveImage {
	t.Helper()
	im := liveImage{dir: t.TempDir()}
	im.image = filepath.Join(im.dir, "image")
	write(t, im.dir, "pass", []byte(livePass))
	write(t, im.dir, "image", nil)
	size := int64(liveSize)
	if r.integrity != "" {
		size *= 2 // for the journal and the tags
	}
	if err := os.Truncate(im.image, size); err != nil {
		t.Fatal(err)
	}
	if r.detached {
		im.header = filepath.Join(im.dir, "header")
		write(t, im.dir, "header", make([]byte, liveSize))
	}
	return im
}

// cryptsetup runs it with the files of the image.
func (im liveImage) cryptsetup(t *testing.T, args ...string) {
	t.Helper()
	args = append([]string{"-q", "--key-file", filepath.Join(im.dir, "pass")}, args...)
	if im.header != "" {
		args = append([]string{"--header", im.header}, args...)
	}
	if out, err := exec.Command("cryptsetup", args...).CombinedOutput(); err != nil {
		t.Fatalf("cryptsetup %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// mapped lets the kernel map the image and work on it.
func (im liveImage) mapped(t *testing.T, device string, do func(path string)) {
	t.Helper()
	name := "live_dmimgtest"
	im.cryptsetup(t, "open", device, name)
	do("/dev/mapper/" + name)
	if out, err := exec.Command("cryptsetup", "close", name).CombinedOutput(); err != nil {
		t.Fatalf("cryptsetup close: %v: %s", err, out)
	}
}

// loop makes a block device of the image until the test ends.
func (im liveImage) loop(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("losetup", "-f", "--show", im.image).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup: %v: %s", err, out)
	}
	device := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "-d", device).CombinedOutput(); err != nil {
			t.Errorf("losetup -d: %v: %s", err, out)
		}
	})
	return device
}

// unlock opens the header with our code.
func (im liveImage) unlock(t *testing.T) (*luks.Header, *luks.Key) {
	t.Helper()
	path := im.image
	if im.header != "" {
		path = im.header
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := luks.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Problems) > 0 {
		t.Errorf("problems: %q", h.Problems)
	}
	if _, err := h.Unlock(t.Context(), []byte(livePass[:4]), luks.UnlockOptions{}); !errors.Is(err, luks.ErrWrongKey) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	key, err := h.Unlock(t.Context(), []byte(livePass), luks.UnlockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Wipe)
	return h, key
}

// read reads all of the data with our code.
func (im liveImage) read(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(im.image)
	if err != nil {
		t.Fatal(err)
	}
	h, key := im.unlock(t)
	return readAll(t, h, key, im.image, data)
}

// format makes the image with our code, and writes known bytes into it.
func (im liveImage) format(t *testing.T, r liveRow) (content []byte) {
	t.Helper()
	path := im.image
	if im.header != "" {
		path = im.header
	}
	f, err := luks.OpenFile(path, true)
	if err != nil {
		t.Fatal(err)
	}
	key, err := luks.Format(t.Context(), f, []byte(livePass), r.formatOptions(t))
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	key.Wipe()
	h, key := im.unlock(t)
	im.formatTags(t, h)
	v := im.open(t, h, key)
	size, err := v.Size()
	if err != nil {
		t.Fatal(err)
	}
	content = make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(content)
	if _, err := v.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(v.Sync(), v.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

// formatTags makes the dm-integrity device that the tags are in, if there are any.
func (im liveImage) formatTags(t *testing.T, h *luks.Header) {
	t.Helper()
	f, ok, err := h.IntegrityFormat()
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return
	}
	b, err := volume.OpenFile(im.image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, _, err = integrity.Format(t.Context(), b, nil, integrity.FormatConfig{
		Reserved: f.Offset, TagSize: f.TagSize, BlockSize: f.SectorSize, NoWipe: true, LegacyHMAC: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open opens the data for writing with our code.
func (im liveImage) open(t *testing.T, h *luks.Header, key *luks.Key) *stack.Stack {
	t.Helper()
	data, err := os.ReadFile(im.image)
	if err != nil {
		t.Fatal(err)
	}
	devices, err := h.Devices(key, luks.DeviceOptions{
		Name: "m", Device: im.image, DeviceSize: int64(len(data)),
		Integrity: func(off int64) (luks.IntegrityArea, error) { return integrityArea(bytes.NewReader(data), off) },
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := stack.Open(stack.Options{Options: volume.Options{Flag: os.O_RDWR}}, devices, "m")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLiveReadsCryptsetup opens with our code what cryptsetup formats and a kernel writes,
// with every cipher that the kernel has.
func TestLiveReadsCryptsetup(t *testing.T) {
	inLab(t)
	for _, r := range liveRows() {
		if r.isOurs() {
			continue
		}
		t.Run(r.String(), func(t *testing.T) {
			im := newLiveImage(t, r)
			device := im.loop(t)
			im.cryptsetup(t, append([]string{"luksFormat", device}, r.formatArgs()...)...)
			var want []byte
			im.mapped(t, device, func(path string) { want = scribble(t, path) })
			if got := im.read(t); !bytes.Equal(got, want) {
				t.Errorf("%d bytes read as others than the kernel's %d", len(got), len(want))
			}
		})
	}
}

// TestLiveCryptsetupReads lets cryptsetup open what our code formats and writes, with the
// same ciphers, and our code read again what the kernel then writes into it.
func TestLiveCryptsetupReads(t *testing.T) {
	inLab(t)
	for _, r := range liveRows() {
		t.Run(r.String(), func(t *testing.T) {
			im := newLiveImage(t, r)
			want := im.format(t, r)
			device := im.loop(t)
			im.mapped(t, device, func(path string) {
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
					t.Errorf("the kernel reads %d bytes as others than the %d written: %v", len(got), len(want), err)
				}
				want = scribble(t, path)
			})
			if got := im.read(t); !bytes.Equal(got, want) {
				t.Errorf("%d bytes read as others than the kernel's %d", len(got), len(want))
			}
		})
	}
}

// scribble writes known bytes to both ends of a device, and returns all that it holds then.
func scribble(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Seek(0, 2)
	if err != nil || size < 2*liveKeep {
		t.Fatalf("%d bytes, %v", size, err)
	}
	text := make([]byte, liveKeep)
	rand.NewChaCha8([32]byte{}).Read(text)
	for _, off := range []int64{0, size - liveKeep} {
		if _, err := f.WriteAt(text, off); err != nil {
			t.Fatal(err)
		}
		text[0]++
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}
