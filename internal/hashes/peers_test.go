package hashes

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// requireTool finds an external program or skips the test; with
// DMIMG_TEST_REQUIRE=all a missing program is a failure.
func requireTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		t.Fatalf("%s is not installed and DMIMG_TEST_REQUIRE=all: %v", name, err)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// notInVeritysetup are the names of the kernel that veritysetup 2.6 with
// OpenSSL 3.0 refuses; its other crypto backends know some of them.
var notInVeritysetup = map[string]bool{
	"blake2b-160": true, "blake2b-256": true, "blake2b-384": true,
	"blake2s-128": true, "blake2s-160": true, "blake2s-224": true,
	"wp256": true, "wp384": true, "wp512": true,
	"streebog256": true, "streebog512": true,
	"crc32": true, "crc32c": true, "xxhash64": true,
}

// TestVeritysetupNames formats one data block with every name of the list.
// With one block, no salt and no superblock the root hash is the digest of
// the block, so this compares digests too.
func TestVeritysetupNames(t *testing.T) {
	t.Parallel()
	tool := requireTool(t, "veritysetup")
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	block := message(4096)
	if err := os.WriteFile(data, block, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, canonical := range Names() {
		a := mustLookup(t, canonical)
		for _, name := range append(a.Aliases(), a.Name) {
			root := filepath.Join(dir, "root")
			out, err := exec.Command(tool, "format", "--no-superblock", "--salt=-", "--hash="+name,
				"--root-hash-file="+root, data, filepath.Join(dir, "hash")).CombinedOutput()
			if notInVeritysetup[name] {
				if err == nil {
					t.Errorf("veritysetup accepts %s, the table in this test says it does not", name)
				}
				continue
			}
			if err != nil {
				t.Errorf("veritysetup refuses %s: %v: %s", name, err, out)
				continue
			}
			got, err := os.ReadFile(root)
			if err != nil {
				t.Fatal(err)
			}
			h := a.New()
			h.Write(block)
			if want := hex.EncodeToString(h.Sum(nil)); string(got) != want {
				t.Errorf("%s: veritysetup says %s, dmimg %s", name, got, want)
			}
		}
	}
}
