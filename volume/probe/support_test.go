package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// headOf is an image of which only the first bytes are kept; the rest reads as zeros.
type headOf struct {
	head []byte
	size int64
}

func (h *headOf) ReadAt(p []byte, off int64) (int, error) {
	if off >= h.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), h.size-off))
	clear(p[:n])
	if off < int64(len(h.head)) {
		copy(p[:n], h.head[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// damagedReader fails every read that touches a range.
type damagedReader struct {
	io.ReaderAt
	from, to int64
}

var errMedium = errors.New("medium error")

func (d *damagedReader) ReadAt(p []byte, off int64) (int, error) {
	if off < d.to && off+int64(len(p)) > d.from {
		return 0, errMedium
	}
	return d.ReaderAt.ReadAt(p, off)
}

// shared returns a folder of the shared corpus, which stands beside the repository.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "testdata", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared corpus is not here: %v", err)
	}
	return path
}

// tool returns the path of a real tool, or skips; make test demands it.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		for _, dir := range []string{"/usr/sbin", "/sbin"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return filepath.Join(dir, name)
			}
		}
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("%s is needed and not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(tool(t, name), args...)
	cmd.Stderr = &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// unxz unpacks a file, with the xz program where there is one: it is ten times as fast.
func unxz(t testing.TB, path string) []byte {
	t.Helper()
	if out, err := exec.Command("xz", "-dc", path).Output(); err == nil {
		return out
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func inspect(t testing.TB, image []byte) *Layer {
	t.Helper()
	l, err := Inspect(bytes.NewReader(image), 0, int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// field returns the value of a field, nil when the layer has none of that name.
func (l *Layer) field(name string) any {
	for _, f := range l.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// blkidKinds translates the words of blkid.
var blkidKinds = map[string]string{
	"crypto_LUKS": "luks", "LVM2_member": "lvm2", "linux_raid_member": "md", "DM_verity_hash": "verity",
	"DM_integrity": "integrity", "DM_snapshot_cow": "snapshot-cow", "dos": "mbr", "swsuspend": "suspend",
	"BitLocker": "bitlocker", "": "unknown",
}

func kindOf(blkid string) string {
	if k, ok := blkidKinds[blkid]; ok {
		return k
	}
	return blkid
}

// matchesBlkid compares a layer with what blkid said about the same bytes.
func matchesBlkid(t testing.TB, what string, l *Layer, tags map[string]string) {
	t.Helper()
	kind := kindOf(tags["TYPE"])
	if tags["TYPE"] == "" && tags["PTTYPE"] != "" {
		kind = kindOf(tags["PTTYPE"])
	}
	if kind == "luks" {
		kind += tags["VERSION"]
	}
	if kind == "unknown" && l.Kind == "empty" {
		return
	}
	if l.Kind != kind && !(kind == "luks" && strings.HasPrefix(l.Kind, kind)) {
		t.Errorf("%s: kind %q, blkid says %q", what, l.Kind, kind)
		return
	}
	if want := tags["UUID"]; want != "" && l.UUID != want && kind != "mbr" {
		t.Errorf("%s: %s: UUID %q, blkid says %q", what, kind, l.UUID, want)
	}
	// The labels of NTFS and exFAT are files, not part of the superblock; LVM has the group where others
	// have a label.
	if want := tags["LABEL"]; l.Label != want && kind != "ntfs" && kind != "exfat" && kind != "lvm2" {
		t.Errorf("%s: %s: label %q, blkid says %q", what, kind, l.Label, want)
	}
}
