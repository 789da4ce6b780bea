package probe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dumpNames translates the names of integritysetup dump.
var dumpNames = map[string]string{
	"superblock_version": "superblock_version", "log2_interleave_sectors": "log2_interleave_sectors",
	"integrity_tag_size": "tag_size", "journal_sections": "journal_sections", "sector_size": "sector_size",
	"provided_data_sectors": "provided_data_sectors", "log2_blocks_per_bitmap": "log2_blocks_per_bitmap_bit",
}

// TestIntegrityDump compares with integritysetup's reading of volumes that a kernel made.
func TestIntegrityDump(t *testing.T) {
	t.Parallel()
	root := shared(t, "kernel-samples")
	var cases []kernelCase
	readJSON(t, filepath.Join(root, "index.json"), &cases)
	for _, c := range cases {
		if !strings.HasPrefix(c.Name, "integrity-") || strings.Contains(c.Name, "metadev") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "image")
			if err := os.WriteFile(path, untar(t, filepath.Join(root, c.Name+".tar.xz"))["A.img"], 0o600); err != nil {
				t.Fatal(err)
			}
			l := probeFile(t, path)
			compared := 0
			for _, line := range strings.Split(run(t, "integritysetup", "dump", path), "\n") {
				words := strings.Fields(line)
				if len(words) == 0 {
					continue
				}
				var got string
				if name, ok := dumpNames[words[0]]; ok {
					got = fmt.Sprint(l.field(name))
				} else if words[0] == "flags" {
					got = strings.Join(l.field("flags").([]string), " ")
				} else {
					continue
				}
				compared++
				if want := strings.Join(words[1:], " "); got != want {
					t.Errorf("%s is %s, integritysetup says %s", words[0], got, want)
				}
			}
			if compared < len(dumpNames) {
				t.Errorf("only %d facts compared", compared)
			}
		})
	}
}

// TestVerityDump compares with veritysetup's reading of superblocks that it has just written.
func TestVerityDump(t *testing.T) {
	t.Parallel()
	cases := [][]string{
		{},
		{"--format", "0", "--hash", "sha1", "--salt", "-"},
		{"--data-block-size", "1024", "--hash-block-size", "512", "--hash", "sha512"},
		{"--data-blocks", "1", "--salt", strings.Repeat("ab", 256)},
	}
	for i, args := range cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data, hash := filepath.Join(dir, "data"), filepath.Join(dir, "hash")
			if err := os.WriteFile(data, make([]byte, 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			root := ""
			for _, line := range strings.Split(run(t, "veritysetup", append([]string{"format", data, hash}, args...)...), "\n") {
				if v, ok := strings.CutPrefix(line, "Root hash:"); ok {
					root = strings.TrimSpace(v)
				}
			}
			dump := strings.Join(strings.Fields(run(t, "veritysetup", "dump", hash)), " ")
			l := probeFile(t, hash)
			for _, want := range []string{
				"UUID: " + l.UUID, fmt.Sprint("Hash type: ", l.field("hash_type")), fmt.Sprint("Data blocks: ", l.field("data_blocks")),
				fmt.Sprint("Data block size: ", l.field("data_block_size")), fmt.Sprint("Hash block size: ", l.field("hash_block_size")),
				fmt.Sprint("Hash algorithm: ", l.field("hash_algorithm")), fmt.Sprint("Salt: ", l.field("salt")),
			} {
				if !strings.Contains(dump+" ", want+" ") {
					t.Errorf("veritysetup dump has no %q:\n%s", want, dump)
				}
			}
			if got := l.field("stored_root_hash"); got != root && l.field("data_blocks") != uint64(1) {
				t.Errorf("root hash of the stored tree %v, veritysetup made %s", got, root)
			}
			if len(l.Problems) > 0 || len(l.OpenWith) != 2 {
				t.Errorf("problems %q, open with %q", l.Problems, l.OpenWith)
			}
		})
	}
}
