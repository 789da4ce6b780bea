package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// TestLUKSChangesOfBadHeaders changes the headers that cryptsetup is tested with: those that must not load stay as
// they are, every byte of them, those that may are mended, and cryptsetup sees the change.
func TestLUKSChangesOfBadHeaders(t *testing.T) {
	t.Parallel()
	folder := sharedFolder(t, "luks2-validation")
	var list struct {
		Cases []struct{ ID, File, Expect, Why string }
	}
	if err := json.Unmarshal(readFile(t, filepath.Join(folder, "cases.json")), &list); err != nil || len(list.Cases) < 20 {
		t.Fatalf("%d cases: %v", len(list.Cases), err)
	}
	for _, c := range list.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			size := int64(1 << 20) // both copies
			if strings.Contains(c.ID, "metadata-size") {
				size = 9 << 20 // of up to 4 MiB
			}
			image := writeFile(t, filepath.Join(t.TempDir(), "image"), unpackStart(t, filepath.Join(folder, c.File), size))
			if err := os.Truncate(image, 16<<20); err != nil { // the data does not matter
				t.Fatal(err)
			}
			if c.Expect == "accept" {
				changeGoodHeader(t, image)
			} else {
				refuseBadHeader(t, image)
			}
		})
	}
}

// unpackStart returns the first size bytes of what is packed in a file.
func unpackStart(t *testing.T, path string, size int64) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func refuseBadHeader(t *testing.T, image string) {
	before := readFile(t, image)
	pass := writeFile(t, filepath.Join(t.TempDir(), "pass"), []byte("pass"))
	for _, args := range [][]string{
		{"repair", image},
		{"uuid", image, "--uuid", "random"},
		{"config", image, "--label", "x"},
		{"erase", image, "--force"},
		{"kill-slot", image, "0", "--force"},
		{"convert", image, "--type", "luks1"},
		{"add-key", image, "--key-file", pass, "--new-key-file", pass},
		{"backup-header", image, filepath.Join(t.TempDir(), "backup")},
		{"encrypt", pass, image, "--key-file", pass},
	} {
		r := dmimg(t, append([]string{"luks"}, args...)...)
		if r.code != 1 || !strings.Contains(r.stderr, image) {
			t.Errorf("luks %s: exit status %d, want 1 and the image's name: %s", args[0], r.code, r.stderr)
		}
	}
	if !bytes.Equal(readFile(t, image), before) {
		t.Error("the image was changed")
	}
}

func changeGoodHeader(t *testing.T, image string) {
	cryptsetup := need(t, "cryptsetup")
	mustRun(t, "luks", "repair", image)
	if r := dmimg(t, "luks", "dump", image); r.code != 0 || r.stderr != "" {
		t.Errorf("after a repair: exit status %d, %s", r.code, r.stderr)
	}
	before := readFile(t, image)
	r := dmimg(t, "luks", "uuid", image, "--uuid", "random")
	if r.code == 1 && strings.Contains(r.stderr, "of a later version of the format") {
		if !bytes.Equal(readFile(t, image), before) {
			t.Error("what is not understood was changed")
		}
		return
	}
	uuid := r.stdout
	mustRun(t, "luks", "config", image, "--label", "a label")
	out, err := exec.Command(cryptsetup, "luksDump", image).CombinedOutput()
	if err != nil || !strings.Contains(string(out), strings.TrimSpace(uuid)) || !strings.Contains(string(out), "a label") {
		t.Errorf("cryptsetup luksDump: %v, want UUID %s and a label:\n%s", err, uuid, out)
	}
}

// TestLUKSChangesOfKernelImages changes passphrases and version of images that a kernel wrote through: the data opens
// with what was added, and is as it was.
func TestLUKSChangesOfKernelImages(t *testing.T) {
	t.Parallel()
	for _, c := range luksCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			image, plain := filepath.Join(dir, "A.img"), readFile(t, filepath.Join(dir, "plain.img"))
			pass := writeFile(t, filepath.Join(dir, "pass"), []byte("pass"))
			other := writeFile(t, filepath.Join(dir, "other"), []byte("other"))
			third := writeFile(t, filepath.Join(dir, "third"), []byte("third"))
			data := readFile(t, image)[kernelData(t, image):]
			luks := func(args ...string) { mustRun(t, append([]string{"luks"}, args...)...) }
			r := dmimg(t, append([]string{"luks", "add-key", image, "--key-file", pass, "--new-key-file", other}, cheapSlot...)...)
			switch {
			case r.code == 0:
				luks("remove-key", image, "--key-file", pass)
			case r.code == 1 && strings.Contains(r.stderr, "no room"): // for one slot only: it is changed in place
				other = pass
				r := dmimg(t, append([]string{"luks", "change-key", image, "--key-file", other, "--new-key-file", third}, cheapSlot...)...)
				if r.code != 1 || !strings.Contains(r.stderr, "hint: --force") {
					t.Errorf("without --force: exit status %d, want 1 and a hint: %s", r.code, r.stderr)
				}
			default:
				t.Fatalf("add-key: exit status %d: %s", r.code, r.stderr)
			}
			luks(append([]string{"change-key", image, "--force", "--key-file", other, "--new-key-file", third}, cheapSlot...)...)
			if c.Name == "luks-1" {
				luks("convert", image, "--type", "luks2")
			}
			if out, err := exec.Command(need(t, "cryptsetup"), "open", "--test-passphrase", "--key-file", third, image).CombinedOutput(); err != nil {
				t.Errorf("cryptsetup open: %v\n%s", err, out)
			}
			if r := dmimg(t, "luks", "check", image, "--key-file", pass); r.code != 4 {
				t.Errorf("the passphrase that was removed: exit status %d, want 4: %s", r.code, r.stderr)
			}
			if got := mustRun(t, "luks", "decrypt", image, "-", "--key-file", third); got != string(plain) {
				t.Errorf("the data differs at byte %d", firstDifference([]byte(got), plain))
			}
			if !bytes.Equal(readFile(t, image)[kernelData(t, image):], data) {
				t.Error("bytes of the data were changed")
			}
		})
	}
}
