package cli_test

import (
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/clitest"
)

// verityCase is one run of the real veritysetup, from testdata/verity_cases.json.
type verityCase struct {
	ID            string
	DataBlockSize int `json:"data_block_size"`
	Data          struct {
		Kind, Seed string
		Size       int
	}
	Command  []string
	Expected struct {
		Salt          string
		DataBlocks    uint64 `json:"data_blocks"`
		RootHash      string `json:"root_hash"`
		HashSize      int64  `json:"hash_size"`
		HashSHA256    string `json:"hash_sha256"`
		FileSHA256    string `json:"file_sha256"`
		FECSHA256     string `json:"fec_sha256"`
		SuperblockHex string `json:"superblock_hex"`
	}
}

func verityCases(t *testing.T) []verityCase {
	t.Helper()
	var file struct{ Cases []verityCase }
	if err := json.Unmarshal(readFile(t, filepath.Join("..", "..", "testdata", "verity_cases.json")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 21 {
		t.Fatalf("verity_cases.json has %d cases, want 21 or more", len(file.Cases))
	}
	return file.Cases
}

// TestVerityFormatGivesTheBytesOfVeritysetup makes every recorded image, from the
// file and through a pipe, compares all files, and verifies them.
func TestVerityFormatGivesTheBytesOfVeritysetup(t *testing.T) {
	t.Parallel()
	for _, c := range verityCases(t) {
		for _, piped := range []bool{false, true} {
			name := c.ID
			if piped {
				name += "/pipe"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c.check(t, piped)
			})
		}
	}
}

func (c verityCase) check(t *testing.T, piped bool) {
	dir := t.TempDir()
	data, err := clitest.Data(c.Data.Kind, c.Data.Seed, c.Data.Size, c.DataBlockSize)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"DATA": filepath.Join(dir, "DATA"), "HASH": filepath.Join(dir, "HASH"), "FEC": filepath.Join(dir, "FEC")}
	writeFile(t, paths["DATA"], data)
	args := []string{"verity"}
	for _, word := range c.Command[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case paths[word] != "":
			word = paths[word]
		case name == "--fec-device":
			word = name + "=" + paths[value]
		}
		args = append(args, word)
	}
	if piped {
		if args[2] == args[3] || c.Expected.FECSHA256 != "" {
			t.Skip("DATA must be a file when it also takes the tree, or when parity is made")
		}
		args[2] = "-"
	}
	stdin := strings.NewReader("")
	if piped {
		stdin = strings.NewReader(string(data))
	}
	r := dmimgWith(t, stdin, append(args, "--json")...)
	if r.code != 0 {
		t.Fatalf("exit status %d\n%s", r.code, r.stderr)
	}
	var got struct {
		RootHash   string `json:"root_hash"`
		Salt       string
		DataBlocks uint64 `json:"data_blocks"`
		HashBytes  int64  `json:"hash_bytes"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
		t.Fatal(err)
	}
	want := c.Expected
	if got.RootHash != want.RootHash || got.Salt != want.Salt || got.DataBlocks != want.DataBlocks {
		t.Errorf("got %+v, want root %s, salt %s, %d blocks", got, want.RootHash, want.Salt, want.DataBlocks)
	}
	for name, sum := range map[string]string{"HASH": want.HashSHA256, "FEC": want.FECSHA256, "DATA": want.FileSHA256} {
		if sum != "" && digestOf(readFile(t, paths[name])) != sum {
			t.Errorf("%s: other bytes than veritysetup's (sha256 %s, want %s)", name, digestOf(readFile(t, paths[name])), sum)
		}
	}
	if want.HashSHA256 != "" && got.HashBytes != want.HashSize {
		t.Errorf("hash_bytes %d, want %d", got.HashBytes, want.HashSize)
	}
	if sb, err := hex.DecodeString(want.SuperblockHex); err == nil && len(sb) > 0 && want.HashSHA256 != "" {
		if b := readFile(t, paths["HASH"]); string(b[:len(sb)]) != string(sb) {
			t.Errorf("superblock %x, want %x", b[:len(sb)], sb)
		}
	}
	c.verify(t, args, paths)
}

// verify checks the image just made with the flags that made it.
func (c verityCase) verify(t *testing.T, args []string, paths map[string]string) {
	t.Helper()
	check := []string{"verity", "verify", paths["DATA"], args[3], c.Expected.RootHash}
	for _, flag := range args[4:] {
		if !strings.HasPrefix(flag, "--fec") && !strings.HasPrefix(flag, "--uuid") {
			check = append(check, flag)
		}
	}
	if out := mustRun(t, check...); out != "" {
		t.Errorf("verify printed %q, want nothing", out)
	}
}
