package dropin_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// result is what one run of a tool left.
type result struct {
	code           int
	stdout, stderr string
}

// veritysetup runs ours in this process, as called by that name.
func veritysetup(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(t.Context(), append([]string{"/sbin/veritysetup"}, args...), strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

const (
	salt      = "--salt=00ff"
	uuid      = "--uuid=a60c98d2-ae9b-4865-bfcb-b4e3ace11033"
	blockSize = 4096
)

// fixtures are the files that rows start from, and the root hashes in them by name.
type fixtures struct {
	dir   string
	roots map[string]string // "@ROOT" and the like
}

func newFixtures(t *testing.T) *fixtures {
	t.Helper()
	f := &fixtures{dir: t.TempDir(), roots: make(map[string]string)}
	f.random(t, "d", 10*blockSize, 1)
	f.random(t, "big", 160*blockSize, 2)
	f.random(t, "ragged", 5000, 3)
	f.random(t, "one", blockSize, 4)
	f.random(t, "junk", 100000, 5)
	f.write(t, "empty", nil)
	f.write(t, "tiny", make([]byte, 100))
	f.format(t, "@ROOT", "d", "h", salt, uuid)
	f.format(t, "@BIG", "big", "bigh", salt, uuid, "--fec-device="+f.path("bigf"))
	f.format(t, "@ONE", "one", "oneh", salt, uuid)
	f.format(t, "@PLAIN", "big", "bigp", "--salt=aa", "--no-superblock")
	f.format(t, "@SHA1", "big", "bigs", salt, uuid, "-hsha1")
	f.damage(t, "d", "dbad", 5*blockSize, "XY")
	f.damage(t, "big", "bigbad", 5*blockSize, "XY")
	f.damage(t, "big", "bigtwo", 5*blockSize, "XY")
	f.damage(t, "bigtwo", "bigtwo", 90*blockSize+77, "Z")
	f.damage(t, "big", "bigruin", 5*blockSize, strings.Repeat("ruin", 100000))
	f.damage(t, "one", "onebad", 0, "XY")
	f.damage(t, "bigh", "hleaf", 9000, "XY")
	f.damage(t, "bigh", "htop", 4097, "XY")
	f.damage(t, "h", "hspare", 8000, "XY")
	f.damage(t, "bigs", "hpad", 2*blockSize+21, "X")
	f.damage(t, "h", "hmagic", 0, "X")
	f.damage(t, "h", "hversion", 8, "\x02")
	f.damage(t, "h", "hname", 32, "foo")
	f.damage(t, "h", "hsize", 64, "\x01")
	f.damage(t, "h", "hsalt", 81, "\x02")
	f.write(t, "dshort", f.read(t, "d")[:20000])
	f.write(t, "hshort", f.read(t, "h")[:5000])
	f.write(t, "hcut", f.read(t, "h")[:300])
	f.write(t, "fcut", f.read(t, "bigf")[:4096])
	f.write(t, "root", []byte(f.roots["@ROOT"]))
	f.write(t, "rootn", []byte(f.roots["@ROOT"]+"\n"))
	f.write(t, "rootcut", []byte(f.roots["@ROOT"][:10]))
	f.write(t, "rootold", bytes.Repeat([]byte("old"), 100))
	for _, dir := range []string{"dir", "deep"} {
		if err := os.Mkdir(f.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *fixtures) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fixtures) random(t *testing.T, name string, size int, seed byte) {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	f.write(t, name, b)
}

func (f *fixtures) write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(f.path(name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *fixtures) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(f.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// damage writes a copy of a file with other bytes at offset.
func (f *fixtures) damage(t *testing.T, from, to string, offset int, with string) {
	t.Helper()
	b := f.read(t, from)
	copy(b[offset:], with)
	f.write(t, to, b)
}

var rootLine = regexp.MustCompile(`Root hash: +\t([0-9a-f]+)\n`)

// format makes a tree with ours; a row of the table proves that veritysetup makes the
// same.
func (f *fixtures) format(t *testing.T, name, data, hash string, args ...string) {
	t.Helper()
	r := veritysetup(t, append([]string{"format", f.path(data), f.path(hash)}, args...)...)
	root := rootLine.FindStringSubmatch(r.stdout)
	if r.code != 0 || root == nil {
		t.Fatalf("veritysetup format %s %s %q: status %d, %q", data, hash, args, r.code, r.stderr)
	}
	f.roots[name] = root[1]
}

// named finds the files that a word of a row names: "@/name".
var named = regexp.MustCompile(`@/([A-Za-z0-9_./-]*)`)

// prepare copies the files that a row names into an empty folder and returns its
// words with the names as paths and the root hashes put in.
func (f *fixtures) prepare(t *testing.T, words []string) (dir string, args []string, files []string) {
	t.Helper()
	dir = t.TempDir()
	for _, w := range words {
		for _, m := range named.FindAllStringSubmatch(w, -1) {
			if f.copyTo(t, dir, m[1]) {
				files = append(files, m[1])
			}
		}
		for name, root := range f.roots {
			w = strings.ReplaceAll(w, name, root)
		}
		args = append(args, named.ReplaceAllString(w, dir+"/$1"))
	}
	return dir, args, files
}

// copyTo copies one fixture, if there is one of that name; it reports whether the
// name is one of a file.
func (f *fixtures) copyTo(t *testing.T, dir, name string) bool {
	info, err := os.Stat(f.path(name))
	switch {
	case err != nil:
		return !strings.Contains(name, "/")
	case info.IsDir():
		_ = os.MkdirAll(filepath.Join(dir, name), 0o755)
		return false
	}
	if err := os.WriteFile(filepath.Join(dir, name), f.read(t, name), 0o644); err != nil {
		t.Fatal(err)
	}
	return true
}

// digest is half of the SHA-256 and the permissions of a file, "" if there is none.
func digest(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return info.Mode().Perm().String() + " " + hex.EncodeToString(sum[:16])
}
