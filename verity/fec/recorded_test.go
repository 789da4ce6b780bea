package fec

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sharedTestdata finds a file of the corpora in or beside the module, or skips the test.
func sharedTestdata(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
	for _, place := range []string{"testdata", "testdata/images", "../shared/testdata"} {
		path := filepath.Join(dir, place, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("%s is neither in testdata nor in ../shared/testdata", name)
	return ""
}

// hashTree makes a dm-verity tree with SHA-256, type 1, top level first
// (without the superblock), and its root hash: as much of the format as these
// tests need.
func hashTree(data, salt []byte, blockSize int) (tree, root []byte) {
	level := data
	for len(level) > blockSize {
		var next []byte
		for block := range bytesBlocks(level, blockSize) {
			sum := sha256.Sum256(append(append([]byte(nil), salt...), block...))
			next = append(next, sum[:]...)
		}
		next = append(next, make([]byte, (blockSize-len(next)%blockSize)%blockSize)...)
		tree = append(append([]byte(nil), next...), tree...)
		level = next
	}
	sum := sha256.Sum256(append(append([]byte(nil), salt...), level...))
	return tree, sum[:]
}

func bytesBlocks(b []byte, size int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(b) > 0; b = b[size:] {
			if !yield(b[:size]) {
				return
			}
		}
	}
}

// TestRecorded makes the parity of the recorded veritysetup runs.
func TestRecorded(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(sharedTestdata(t, "verity_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			ID        string
			FEC       *struct{ Roots int }
			BlockSize int `json:"data_block_size"`
			Salt      string
			Data      struct {
				Kind, Seed string
				Size       int
			}
			Expected struct {
				RootHash  string `json:"root_hash"`
				FECSize   int64  `json:"fec_size"`
				FECSHA256 string `json:"fec_sha256"`
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, c := range file.Cases {
		if c.FEC == nil {
			continue
		}
		checked++
		if c.Data.Kind != "shake" {
			t.Fatalf("%s: data of kind %q", c.ID, c.Data.Kind)
		}
		data := sha3.SumSHAKE128([]byte(c.Data.Seed), c.Data.Size)
		salt, err := hex.DecodeString(c.Salt)
		if err != nil {
			t.Fatal(err)
		}
		tree, root := hashTree(data, salt, c.BlockSize)
		if got := hex.EncodeToString(root); got != c.Expected.RootHash {
			t.Fatalf("%s: root hash %s, want %s", c.ID, got, c.Expected.RootHash)
		}
		device := append(make([]byte, c.BlockSize), tree...) // the superblock is not covered
		a := Area{
			BlockSize: c.BlockSize, Roots: c.FEC.Roots, DataBlocks: uint64(len(data) / c.BlockSize),
			HashStart: 1, HashBlocks: uint64(len(tree) / c.BlockSize), HashDeviceBytes: int64(len(device)),
		}
		p, err := a.Params()
		if err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		parity := make(memory, p.ParityBytes())
		stream := a.Stream(bytes.NewReader(data), bytes.NewReader(device))
		if err := Encode(t.Context(), stream, parity, 0, p); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		sum := sha256.Sum256(parity)
		if got := hex.EncodeToString(sum[:]); got != c.Expected.FECSHA256 || p.ParityBytes() != c.Expected.FECSize {
			t.Errorf("%s: parity of %d bytes has SHA-256 %s, want %d bytes, %s",
				c.ID, p.ParityBytes(), got, c.Expected.FECSize, c.Expected.FECSHA256)
		}
	}
	if checked == 0 {
		t.Error("verity_cases.json has no case with parity")
	}
}
