package manifest_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/verity/manifest"
)

func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sum(t testing.TB, digit string) manifest.Hex { return unhex(t, strings.Repeat(digit, 64)) }

// full returns a manifest that has everything.
func full(t testing.TB) *manifest.Manifest {
	t.Helper()
	root := unhex(t, "172d61f2ec1c86351ac23168606ad0609f1f4c0d394fa5dd284bc30a2c99208e")
	uuids, ok := manifest.PartitionUUIDsOf(root)
	if !ok {
		t.Fatal("a root hash of 256 bits has no partition UUIDs")
	}
	id := manifest.UUID(unhex(t, "a60c98d2ae9b4865bfcbb4e3ace11033"))
	return &manifest.Manifest{
		RootHash: root, PartitionUUIDs: &uuids,
		Data: manifest.Data{Bytes: 40000, BlockSize: 4096, Blocks: 10, Tail: manifest.TailPad},
		Tree: manifest.Tree{
			In: manifest.InFile, File: &manifest.File{Name: "root.verity", Content: &manifest.Content{Bytes: 8192, SHA256: sum(t, "1")}},
			HashType: 1, Algorithm: "sha256", Salt: unhex(t, "aabb"), Superblock: true, UUID: &id,
			BlockSize: 4096, Offset: 0, StartBlock: 1, Blocks: 1, SHA256: sum(t, "2"),
		},
		Parity: &manifest.Parity{
			In: manifest.InFile, File: &manifest.File{Name: "root.fec", Content: &manifest.Content{Bytes: 8192, SHA256: sum(t, "3")}},
			Roots: 2, Bytes: 8192, CoveredBlocks: 11, SHA256: sum(t, "3"),
		},
		RootHashFile: &manifest.File{Name: "root.hash", Content: &manifest.Content{Bytes: 64, SHA256: sum(t, "4")}},
		Signature:    &manifest.File{Name: "root.p7s", Content: &manifest.Content{Bytes: 500, SHA256: sum(t, "5")}},
		Emit:         &manifest.Emit{Forms: []string{"veritytab", "cmdline"}, Data: "/dev/pmem0p1", PartitionType: "root-x86-64"},
	}
}

// small returns one without anything that may be left out, as a device would have it.
func small(t testing.TB) *manifest.Manifest {
	t.Helper()
	return &manifest.Manifest{
		RootHash: unhex(t, "00112233"),
		Data:     manifest.Data{Bytes: 512, BlockSize: 512, Blocks: 1, Tail: manifest.TailNone},
		Tree: manifest.Tree{
			In: manifest.InFile, File: &manifest.File{Name: "sdb2"},
			Algorithm: "crc32c", BlockSize: 1024, Offset: 1024, StartBlock: 1, SHA256: sum(t, "0"),
		},
	}
}

// TestGolden compares with documents whose form is a promise.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*manifest.Manifest{"full": full(t), "small": small(t)} {
		want, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Encode()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: encoded as %s, %v, want %s", name, got, err, want)
		}
		read, err := manifest.Decode(want)
		if err != nil {
			t.Errorf("%s: decoding: %v", name, err)
			continue
		}
		if again, err := read.Encode(); err != nil || !bytes.Equal(again, want) {
			t.Errorf("%s: encoded again as %s, %v", name, again, err)
		}
		if d, err := manifest.Compare(m, read); err != nil || len(d) != 0 {
			t.Errorf("%s: differs from itself: %v, %v", name, d, err)
		}
	}
}

// TestBlanksDoNotMatter reads a document that another program has laid out.
func TestBlanksDoNotMatter(t *testing.T) {
	t.Parallel()
	b, err := full(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.NewReplacer("\n", "", "  ", "").Replace(string(b))
	m, err := manifest.Decode([]byte(flat))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.Encode(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("encoded again as %s, %v", again, err)
	}
}

// TestDecodeRefuses changes one thing of a good document.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	b, err := full(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	digest := `"` + strings.Repeat("2", 64) + `"`
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", good, "", "unexpected EOF"},
		{"no object", good, "3", "not a JSON object"},
		{"a list", good, "[]", "kind is missing"},
		{"cut off", "}\n", "", "unexpected"},
		{"two documents", "}\n", "}}\n", "something follows"},
		{"a second document", "}\n}\n", "}\n}\n{}", "something follows"},
		{"another kind", `"dm-verity-manifest"`, `"luks"`, `kind is "luks"`},
		{"unknown key", `"data": {`, `"date": 1, "data": {`, "date: unknown"},
		{"unknown inner key", `"tail": "pad"`, `"tail": "pad", "x": {}`, "data.x: unknown"},
		{"key of another spelling", `"roots"`, `"Roots"`, "unknown or misplaced"},
		{"key that only folds", `"salt"`, `"ſalt"`, "unknown or misplaced"},
		{"empty key", `"salt"`, `""`, "unknown or misplaced"},
		{"key twice", `"version": 1`, `"version": 1, "version": 1`, "version: given twice"},
		{"inner key twice", `"roots": 2`, `"roots": 2, "roots": 2`, "fec.roots: given twice"},
		{"object twice", `"tree": {`, `"data": {}, "tree": {`, "data: given twice"},
		{"null", `"roots": 2`, `"roots": null`, "fec.roots: null"},
		{"missing", `"hash_type": 1,`, ``, "tree.hash_type is missing"},
		{"missing zero", `"offset_bytes": 0,`, ``, "offset_bytes is missing"},
		{"missing size of a file", `"bytes": 500,`, ``, "signature.bytes is missing"},
		{"missing digest of a file", `"bytes": 64,`, `"bytes": 65,`, "root_hash_file.bytes is 65"},
		{"number in words", `"roots": 2`, `"roots": "2"`, "cannot unmarshal"},
		{"fraction", `"roots": 2`, `"roots": 2.5`, "cannot unmarshal"},
		{"exponent", `"bytes": 40000`, `"bytes": 4e4`, "cannot unmarshal"},
		{"negative blocks", `"blocks": 10`, `"blocks": -10`, "cannot unmarshal"},
		{"too many for 64 bits", `"blocks": 10`, `"blocks": 18446744073709551616`, "cannot unmarshal"},
		{"more than a file holds", `"blocks": 10`, `"blocks": 18446744073709551615`, "data.blocks is"},
		{"no blocks", `"blocks": 10`, `"blocks": 0`, "data.blocks is 0"},
		{"digest too short", digest, `"22"`, "tree.sha256 has 1 bytes"},
		{"digest in capitals", strings.Repeat("2", 64), strings.Repeat("2", 62) + "AB", "must be written as"},
		{"digest with odd digits", digest, `"222"`, "hex"},
		{"root hash too long", `"root_hash": "`, `"root_hash": "` + strings.Repeat("00", 64), "root_hash of 96 bytes"},
		{"no root hash", `"172d61f2ec1c86351ac23168606ad0609f1f4c0d394fa5dd284bc30a2c99208e"`, `""`, "hex"},
		{"UUIDs of another root hash", `"172d61f2-`, `"072d61f2-`, "partition_uuids"},
		{"salt too long", `"salt": "aabb"`, `"salt": "` + strings.Repeat("aa", 257) + `"`, "salt has 257 bytes"},
		{"salt of nothing", `"salt": "aabb"`, `"salt": ""`, "hex"},
		{"block size", `"block_size_bytes": 4096`, `"block_size_bytes": 4095`, "not a power of two"},
		{"huge block size", `"block_size_bytes": 4096`, `"block_size_bytes": 1048576`, "not a power of two"},
		{"unknown tail", `"pad"`, `"fold"`, "data.tail"},
		{"tail of nothing", `"bytes": 40000`, `"bytes": 40960`, "data.bytes"},
		{"hash type", `"hash_type": 1`, `"hash_type": 2`, "hash_type is 2"},
		{"no algorithm", `"sha256",`, `"",`, "algorithm"},
		{"long algorithm", `"algorithm": "`, `"algorithm": "` + strings.Repeat("x", 32), "algorithm"},
		{"no superblock but a UUID", `"superblock": true`, `"superblock": false`, "tree.uuid"},
		{"UUID without dashes", `a60c98d2-ae9b-`, `a60c98d2ae9b-`, "UUID"},
		{"ragged offset", `"offset_bytes": 0`, `"offset_bytes": 100`, "not a multiple of 512"},
		{"tree before its offset", `"start_block": 1`, `"start_block": 1, "x": 2`, "tree.x"},
		{"tree past all offsets", `"start_block": 1`, `"start_block": 9007199254740993`, "tree of 1 blocks"},
		{"unknown place", `"in": "file"`, `"in": "moon"`, "tree.in"},
		{"file in the data", `"in": "file"`, `"in": "data"`, "tree"},
		{"too many roots", `"roots": 2`, `"roots": 25`, "25 roots"},
		{"parity of another size", `"roots": 2`, `"roots": 3`, "fec.bytes is 8192, want 12288"},
		{"parity over less than the data", `"covered_blocks": 11`, `"covered_blocks": 9`, "covered_blocks is 9"},
		{"path", `"root.fec"`, `"../root.fec"`, "no plain name"},
		{"absolute path", `"root.fec"`, `"/etc/passwd"`, "no plain name"},
		{"path of Windows", `"root.fec"`, `"..\\root.fec"`, "no plain name"},
		{"drive", `"root.fec"`, `"c:root"`, "no plain name"},
		{"directory", `"root.fec"`, `".."`, "no plain name"},
		{"no name", `"root.fec"`, `""`, "no plain name"},
		{"name with a NUL", `"root.fec"`, `"a\u0000"`, "no plain name"},
		{"name that moves the cursor", `"root.fec"`, `"a\u001b[2J"`, "no plain name"},
		{"name of half a character", `"root.fec"`, `"\ud800"`, "no plain name"},
		{"long name", `"root.fec"`, `"` + strings.Repeat("x", 256) + `"`, "no plain name"},
		{"two of a name", `"root.fec"`, `"ROOT.verity"`, "are both"},
		{"file shorter than its area", `"bytes": 8192`, `"bytes": 4096`, "ends at 8192"},
		{"nothing to emit", `"veritytab",`, ``, ""}, // still a good one
		{"emit of nothing", "\"veritytab\",\n      \"cmdline\"", ``, "emit.forms: 0"},
		{"word with a newline", `"/dev/pmem0p1"`, `"/dev/a\nb"`, "emit"},
		{"deep", `"roots": 2`, `"roots": ` + strings.Repeat(`{"a":`, 20) + "1" + strings.Repeat("}", 20), "too deep"},
		{"not UTF-8", `"root.fec"`, "\"\xff\"", "UTF-8"},
		{"large", "}\n", "}\n" + strings.Repeat(" ", manifest.MaxSize), "document of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := strings.LastIndex(good, c.old)
			if first := strings.Index(good, c.old); c.old != "}\n" {
				at = first
			}
			if at < 0 {
				t.Fatalf("%q is not in the document", c.old)
			}
			text := good[:at] + c.new + good[at+len(c.old):]
			_, err := manifest.Decode([]byte(text))
			if c.want == "" {
				if err != nil {
					t.Errorf("decoding: %v", err)
				}
				return
			}
			if !errors.Is(err, manifest.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("decoding: %v, want %q and ErrMalformed", err, c.want)
			}
		})
	}
}

// TestDecodeRefusesVersions tells a version of the future from damage.
func TestDecodeRefusesVersions(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "0", `"1"`, "1.0", "-1", "99999999999999999999999"} {
		_, err := manifest.Decode([]byte(`{"kind": "dm-verity-manifest", "version": ` + version + `, "future": {}}`))
		if !errors.Is(err, manifest.ErrVersion) || !strings.Contains(err.Error(), version) {
			t.Errorf("version %s: %v, want ErrVersion", version, err)
		}
	}
}

// TestEncodeRefuses has what no image can have, which Decode would not take either.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(m *manifest.Manifest){
		"no root hash":         func(m *manifest.Manifest) { m.RootHash = nil },
		"no salt is fine":      nil,
		"path":                 func(m *manifest.Manifest) { m.Tree.File.Name = "a/b" },
		"no file":              func(m *manifest.Manifest) { m.Tree.File = nil },
		"areas overlap":        func(m *manifest.Manifest) { m.Tree.In, m.Tree.File, m.PartitionUUIDs = manifest.InData, nil, nil },
		"parity over the tree": func(m *manifest.Manifest) { m.Parity.In, m.Parity.File, m.Parity.Offset = manifest.InTree, nil, 4096 },
		"parity over the data": func(m *manifest.Manifest) { m.Parity.In, m.Parity.File, m.Parity.Offset = manifest.InData, nil, 4096 },
		"block sizes for FEC":  func(m *manifest.Manifest) { m.Tree.BlockSize, m.Tree.StartBlock = 1024, 4 },
		"UUIDs without a file": func(m *manifest.Manifest) { m.RootHash = m.RootHash[:16] },
		"superblock, no UUID":  func(m *manifest.Manifest) { m.Tree.UUID = nil },
	} {
		m := full(t)
		if change == nil {
			m.Tree.Salt = nil
			if _, err := m.Encode(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		change(m)
		if _, err := m.Encode(); !errors.Is(err, manifest.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}
