package probe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type headCase struct {
	Size  int64             `json:"size"`
	Blkid map[string]string `json:"blkid"`
}

func headCases(t testing.TB) map[string]headCase {
	cases := map[string]headCase{}
	readJSON(t, filepath.Join("testdata", "index.json"), &cases)
	if len(cases) < 20 {
		t.Fatalf("index.json has %d cases, want at least 20", len(cases))
	}
	return cases
}

// TestHeads probes what the tools of each format made, and wants what blkid said.
func TestHeads(t *testing.T) {
	t.Parallel()
	for name, c := range headCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := &headOf{unxz(t, filepath.Join("testdata", name+".head.xz")), c.Size}
			l, err := Probe(image, c.Size)
			if err != nil {
				t.Fatal(err)
			}
			if c.Blkid["TYPE"] == "" { // a disk file, of which blkid knows nothing
				if l.Kind != name {
					t.Errorf("kind %q, want %q", l.Kind, name)
				}
				if len(l.OpenWith) == 0 {
					t.Error("no word on how to open it")
				}
			} else {
				matchesBlkid(t, name, l, c.Blkid)
			}
			if len(l.Problems) > 0 || len(l.Also) > 0 {
				t.Errorf("problems %q, also %v: want none of a sound image", l.Problems, l.Also)
			}
			if l.Size <= 0 || l.Size > c.Size {
				t.Errorf("size %d, want 1 to %d", l.Size, c.Size)
			}
			if l.Description == "" {
				t.Error("no description")
			}
		})
	}
}

// TestHeadsDamaged wants a word about every checksum that stops matching, and about every image that is cut.
func TestHeadsDamaged(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		flip int64 // a byte under the checksum that no other check looks at
	}{
		{"ext4", 1024 + 600}, {"xfs", 200}, {"btrfs", 64<<10 + 1000}, {"erofs", 1024 + 100},
	}
	index := headCases(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			image := &headOf{unxz(t, filepath.Join("testdata", c.name+".head.xz")), index[c.name].Size}
			if c.flip >= int64(len(image.head)) {
				t.Fatalf("head of %d bytes is too short for byte %d", len(image.head), c.flip)
			}
			image.head[c.flip] ^= 1
			l, err := Probe(image, image.size)
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, l, "checksum")
			image.head[c.flip] ^= 1
			l, err = Probe(image, image.size-4096)
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, l, "cut off")
		})
	}
}

func wantProblem(t testing.TB, l *Layer, part string) {
	t.Helper()
	for _, p := range l.Problems {
		if strings.Contains(p, part) {
			return
		}
	}
	t.Errorf("%s: problems %q, want one with %q", l.Kind, l.Problems, part)
}

// TestBlkid makes images with the tools that nearly every machine has and compares with blkid on the spot.
func TestBlkid(t *testing.T) {
	t.Parallel()
	cases := map[string]func(t *testing.T, path string){
		"mke2fs":     func(t *testing.T, p string) { run(t, "mke2fs", "-q", "-F", "-t", "ext4", "-L", "some label", p) },
		"mke2fs-old": func(t *testing.T, p string) { run(t, "mke2fs", "-q", "-F", "-t", "ext2", "-b", "4096", p) },
		"mkswap":     func(t *testing.T, p string) { run(t, "mkswap", "-q", "-L", "s", p) },
		"luks1": func(t *testing.T, p string) {
			luksFormat(t, p, "--type", "luks1")
		},
		"luks2": func(t *testing.T, p string) {
			luksFormat(t, p, "--type", "luks2", "--label", "vault")
		},
		"veritysetup": func(t *testing.T, p string) {
			data := filepath.Join(t.TempDir(), "data")
			if err := os.WriteFile(data, make([]byte, 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			run(t, "veritysetup", "format", data, p)
		},
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "image")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 20<<20); err != nil {
				t.Fatal(err)
			}
			make(t, path)
			tags := map[string]string{}
			for _, line := range strings.Split(run(t, "blkid", "-p", "-o", "export", path), "\n") {
				if k, v, ok := strings.Cut(line, "="); ok {
					tags[k] = strings.ReplaceAll(v, `\ `, " ")
				}
			}
			l := probeFile(t, path)
			matchesBlkid(t, name, l, tags)
			if len(l.Problems) > 0 {
				t.Errorf("problems %q, want none", l.Problems)
			}
		})
	}
}

func probeFile(t testing.TB, path string) *Layer {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	l, err := Inspect(f, 0, fi.Size())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func luksFormat(t testing.TB, path string, args ...string) {
	t.Helper()
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("a passphrase for tests"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "cryptsetup", append([]string{
		"luksFormat", "-q", "--pbkdf-force-iterations", "1000", "--pbkdf", "pbkdf2", "--key-file", pass, path,
	}, args...)...)
}
