package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/verity/manifest"
)

// TestCompare changes one fact, or something that is none.
func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(m *manifest.Manifest)
		want   []string // keys
	}{
		{"nothing", func(*manifest.Manifest) {}, nil},
		{"names", func(m *manifest.Manifest) { m.Tree.File.Name, m.RootHashFile.Name = "x", "y" }, nil},
		{"padded data", func(m *manifest.Manifest) { m.Data.Bytes, m.Data.Tail = 40960, manifest.TailNone }, nil},
		{"other texts", func(m *manifest.Manifest) { m.Emit = nil }, nil},
		{"a device", func(m *manifest.Manifest) { m.Tree.File.Content = nil }, nil},
		{"no signature", func(m *manifest.Manifest) { m.Signature = nil }, nil},
		{"tree", func(m *manifest.Manifest) { m.Tree.SHA256 = sum(t, "9") }, []string{"tree.sha256"}},
		{"file", func(m *manifest.Manifest) { m.Tree.File.Content.SHA256 = sum(t, "9") }, []string{"tree.file.sha256"}},
		{"salt", func(m *manifest.Manifest) { m.Tree.Salt = nil }, []string{"tree.salt"}},
		{"UUID", func(m *manifest.Manifest) { m.Tree.UUID = new(manifest.UUID) }, []string{"tree.uuid"}},
		{"signature", func(m *manifest.Manifest) { m.Signature.SHA256 = sum(t, "9") }, []string{"signature.sha256"}},
		{
			"root hash", func(m *manifest.Manifest) {
				m.RootHash = sum(t, "9")
				u, _ := manifest.PartitionUUIDsOf(m.RootHash)
				m.PartitionUUIDs = &u
			},
			[]string{"root_hash", "partition_uuids.data", "partition_uuids.tree"},
		},
		{"no parity", func(m *manifest.Manifest) { m.Parity = nil }, []string{
			"fec.bytes", "fec.covered_blocks", "fec.in", "fec.offset_bytes", "fec.roots", "fec.sha256",
		}},
	} {
		made := full(t)
		c.change(made)
		differences, err := manifest.Compare(full(t), made)
		var keys []string
		for _, d := range differences {
			keys = append(keys, d.Key)
		}
		if err != nil || strings.Join(keys, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: differs in %q, %v, want %q", c.name, keys, err, c.want)
		}
	}
	if _, err := manifest.Compare(full(t), new(manifest.Manifest)); err == nil {
		t.Error("comparing with an empty manifest: no error")
	}
}

// TestDifferenceText has the words a user sees.
func TestDifferenceText(t *testing.T) {
	t.Parallel()
	made := full(t)
	made.Parity = nil
	made.Tree.Salt = nil
	list, err := manifest.Compare(full(t), made)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(list)
	for _, want := range []string{`tree.salt: recorded "aabb", made "-"`, `fec.roots: recorded 2, made nothing`} {
		if !strings.Contains(text, want) {
			t.Errorf("differences are %s, want %s in it", text, want)
		}
	}
}

// TestPartitionUUIDs has the UUIDs that systemd-repart 252 gave partitions with this
// root hash, and hashes of other lengths as systemd-veritysetup-generator 252 cuts them.
func TestPartitionUUIDs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ root, data, tree string }{
		{
			"7e76ea8a5d1972228f50295ab9d99230c8ab221a2720b0f1c3358cc37357f7d7",
			"7e76ea8a-5d19-7222-8f50-295ab9d99230", "c8ab221a-2720-b0f1-c335-8cc37357f7d7",
		},
		{"172d61f2ec1c86351ac23168606ad0609f1f4c0d", "172d61f2-ec1c-8635-1ac2-3168606ad060", "ec1c8635-1ac2-3168-606a-d0609f1f4c0d"},
		{
			"172d61f2ec1c86351ac23168606ad060" + strings.Repeat("00", 32) + "9f1f4c0d394fa5dd284bc30a2c99208e",
			"172d61f2-ec1c-8635-1ac2-3168606ad060", "9f1f4c0d-394f-a5dd-284b-c30a2c99208e",
		},
		{"172d61f2ec1c86351ac23168606ad060", "", ""},
		{"172d61f2", "", ""},
	} {
		u, ok := manifest.PartitionUUIDsOf(unhex(t, c.root))
		if ok != (c.data != "") || ok && (u.Data.String() != c.data || u.Tree.String() != c.tree) {
			t.Errorf("root hash %s: UUIDs %s and %s, %t, want %s and %s", c.root, u.Data, u.Tree, ok, c.data, c.tree)
		}
	}
}
