package crypt

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// kernelCase is one entry of the index of volumes that a kernel wrote and read.
type kernelCase struct {
	Name    string
	Tables  map[string][]string
	Map     map[string]string
	Expects []struct{ Device, Content string }
}

// TestKernelVolumes decrypts every crypt volume that a kernel wrote and
// compares with what the kernel read, then encrypts that and compares with the
// image.
func TestKernelVolumes(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range readKernelIndex(t, dir) {
			for _, expect := range c.Expects {
				for i, line := range c.Tables[expect.Device] {
					row, ok := parseCryptRow(t, c, line)
					if !ok {
						continue
					}
					t.Run(c.Name+"/"+strconv.Itoa(i), func(t *testing.T) {
						t.Parallel()
						checkKernelVolume(t, dir, c, row, expect.Content)
					})
				}
			}
		}
	}
}

func checkKernelVolume(t *testing.T, dir string, c kernelCase, row cryptRow, content string) {
	files := unpackKernelCase(t, dir, c.Name)
	row.takeKey(t, c.Name, files)
	image, plain := files[row.image], files[content][row.start:row.start+row.length]

	d, err := NewDevice(memory(image), row.offset, row.config)
	if err != nil {
		t.Fatalf("NewDevice(%q): %v", row.config.Spec, err)
	}
	got := make([]byte, row.length)
	if n, err := d.ReadAt(got, 0); err != nil || n != len(got) {
		t.Fatalf("ReadAt of %d bytes = %d, %v", len(got), n, err)
	}
	if at := firstDifference(got, plain); at >= 0 {
		t.Errorf("%s: byte %d differs from what the kernel read: got %x, want %x", row.config.Spec, at, got[at:at+1], plain[at:at+1])
	}

	rewritten := bytes.Clone(image)
	clear(rewritten[row.offset : row.offset+row.length])
	w, err := NewDevice(memory(rewritten), row.offset, row.config)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.WriteAt(plain, 0); err != nil || n != len(plain) {
		t.Fatalf("WriteAt of %d bytes = %d, %v", len(plain), n, err)
	}
	if at := firstDifference(rewritten, image); at >= 0 {
		t.Errorf("%s: byte %d differs from what the kernel wrote: got %x, want %x", row.config.Spec, at, rewritten[at:at+1], image[at:at+1])
	}
}

// cryptRow is a crypt table line in bytes.
type cryptRow struct {
	start, length int64 // in the mapped device
	image         string
	offset        int64 // in the image
	key           string
	config        Config
}

// parseCryptRow reads a line with a crypt target over an image file; ok is false
// for any other.
func parseCryptRow(t *testing.T, c kernelCase, line string) (row cryptRow, ok bool) {
	t.Helper()
	w := strings.Fields(line)
	if w[2] != "crypt" || strings.HasPrefix(c.Map[w[6]], "@") {
		return row, false
	}
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		return n
	}
	row = cryptRow{
		start:  int64(number(w[0])) * 512,
		length: int64(number(w[1])) * 512,
		image:  c.Map[w[6]],
		offset: int64(number(w[7])) * 512,
		key:    w[4],
		config: Config{Spec: w[3], IVOffset: number(w[5])},
	}
	if row.key != "-" && !strings.HasPrefix(row.key, ":") {
		row.config.Key = decodeHex(t, row.key)
	}
	for _, option := range w[8:] {
		if size, ok := strings.CutPrefix(option, "sector_size:"); ok {
			row.config.SectorSize = int(number(size))
		}
		if option == "iv_large_sectors" {
			row.config.IVLargeSectors = true
		}
	}
	return row, true
}

// firstKeyRows holds the first 16 bytes of volume keys of which the corpus kept
// only the later rows of the dump; the passphrase of both volumes is in its
// description, so that cryptsetup luksDump --dump-volume-key prints them all.
var firstKeyRows = map[string]string{
	"luks-2":          "9e8370aae65aa6d3edb9e2214952604c",
	"luks-2-argon2id": "4ce0df03f47a80db90a604da6bdcaba3",
}

// takeKey completes a row whose key is in a keyring: from the rows of hex bytes
// in the case's file mk.
func (r *cryptRow) takeKey(t *testing.T, name string, files map[string][]byte) {
	t.Helper()
	if strings.HasPrefix(r.key, ":") {
		r.config.Key = decodeHex(t, firstKeyRows[name]+strings.Join(strings.Fields(string(files["mk"])), ""))
	}
}

func readKernelIndex(t *testing.T, dir string) []kernelCase {
	t.Helper()
	data, err := os.ReadFile(sharedPath(t, dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []kernelCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// unpackKernelCase reads every file of a case.
func unpackKernelCase(t *testing.T, dir, name string) map[string][]byte {
	t.Helper()
	f, err := os.Open(sharedPath(t, dir, name+".tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(h.Name)] = content
	}
}

// sharedPath returns the path of a corpus that lies beside the repository, and
// skips the test where there is none.
func sharedPath(t *testing.T, elements ...string) string {
	t.Helper()
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			t.Fatal("no go.mod above the test")
		}
		root = parent
	}
	path := filepath.Join(append([]string{filepath.Dir(root), "shared", "testdata"}, elements...)...)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skipf("corpus %s is not beside the repository", filepath.Join(elements...))
	}
	return path
}

// firstDifference returns the first byte at which a and b differ, or -1.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b)) - 1
	}
	return -1
}

// memory is a Storage in memory that ends where the slice ends.
type memory []byte

func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m memory) WriteAt(p []byte, off int64) (int, error) {
	if off > int64(len(m)) {
		return 0, io.ErrShortWrite
	}
	n := copy(m[off:], p)
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}
