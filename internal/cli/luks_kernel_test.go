package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// luksCases are the volumes of the corpora that cryptsetup made and a kernel wrote through.
func luksCases(t *testing.T) (list []volumetest.Case) {
	t.Helper()
	for _, c := range volumetest.Cases(t, "kernel-samples") {
		if strings.HasPrefix(c.Name, "luks-") {
			list = append(list, c)
		}
	}
	if len(list) < 4 {
		t.Fatalf("%d LUKS cases, want at least 4", len(list))
	}
	return list
}

// kernelData is where the data of such an image begins, in bytes.
func kernelData(t *testing.T, image string) int64 {
	t.Helper()
	var report struct {
		Segments []struct {
			Offset int64 `json:"offset_bytes"`
		} `json:"segments"`
	}
	if err := json.Unmarshal([]byte(mustRun(t, "luks", "dump", image, "--json")), &report); err != nil || len(report.Segments) != 1 {
		t.Fatalf("%s: %d segments, want 1: %v", image, len(report.Segments), err)
	}
	return report.Segments[0].Offset
}

// TestLUKSEncryptAsKernel encrypts what the kernel was given into a copy of its image whose data was wiped, and
// demands the kernel's bytes.
func TestLUKSEncryptAsKernel(t *testing.T) {
	t.Parallel()
	for _, c := range luksCases(t) {
		if strings.Contains(c.Name, "-int-") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			image, plain := filepath.Join(dir, "A.img"), filepath.Join(dir, "plain.img")
			pass := writeFile(t, filepath.Join(dir, "pass"), []byte("pass"))
			want := readFile(t, image)
			wiped := bytes.Clone(want)
			clear(wiped[kernelData(t, image):])
			writeFile(t, image, wiped)
			mustRun(t, "luks", "encrypt", plain, image, "--key-file", pass)
			if got := readFile(t, image); !bytes.Equal(got, want) {
				t.Errorf("the image differs from the kernel's at byte %d", firstDifference(got, want))
			}
		})
	}
}

// TestLUKSFormatAsKernel makes an image with tags like that of cryptsetup and a kernel, with the same volume key, and
// encrypts the same data into it: superblock, tags and data must be theirs.
func TestLUKSFormatAsKernel(t *testing.T) {
	t.Parallel()
	for _, c := range luksCases(t) {
		if !strings.Contains(c.Name, "-int-") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			formatAsKernel(t, c.Unpack(t))
		})
	}
}

func formatAsKernel(t *testing.T, dir string) {
	image, made := filepath.Join(dir, "A.img"), filepath.Join(dir, "made.img")
	key, pass := filepath.Join(dir, "key"), writeFile(t, filepath.Join(dir, "pass"), []byte("pass"))
	mustRun(t, "luks", "volume-key", image, key, "--key-file", pass)
	want := readFile(t, image)
	writeFile(t, made, nil)
	if err := os.Truncate(made, int64(len(want))); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "luks", "format", made, "--volume-key-file", key, "--key-file", pass, "--sector-size", "512",
		"--integrity", "hmac-sha256", "--offset", "1M", "--luks2-keyslots-size", "512K", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000")
	mustRun(t, "luks", "encrypt", filepath.Join(dir, "plain.img"), made, "--key-file", pass)
	got := readFile(t, made)
	const reserved = 1 << 20
	theirs, err := integrity.ReadSuperblock(bytes.NewReader(want), reserved)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := integrity.ReadSuperblock(bytes.NewReader(got), reserved)
	if err != nil {
		t.Fatal(err)
	}
	ours.Salt = theirs.Salt
	if *ours != *theirs {
		t.Errorf("superblock %+v\nthe kernel made  %+v", ours, theirs)
	}
	l, err := integrity.NewLayout(theirs.Geometry(reserved), int64(len(want)), 0)
	if err != nil {
		t.Fatal(err)
	}
	data := reserved + integrity.SuperblockArea + l.JournalSize()
	if !bytes.Equal(got[data:], want[data:]) {
		t.Errorf("tags and data differ from the kernel's at byte %d", data+int64(firstDifference(got[data:], want[data:])))
	}
}
