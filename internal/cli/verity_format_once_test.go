package cli_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// TestVerityFormatWithParityInOnePass formats images that are large enough for tree and
// parity to be made in one pass, and wants what two passes of the library make.
func TestVerityFormatWithParityInOnePass(t *testing.T) {
	t.Parallel()
	const blocks, size = 4096 + 77, 4096
	for _, c := range []struct {
		hash, fec  string
		hashOffset int
		fecOffset  int
		roots      int
	}{
		{"hash", "fec", 0, 0, 2},
		{"hash", "fec", 0, 512, 10},
		{"data", "fec", blocks * size, 0, 3},
		{"hash", "hash", 0, 300 * size, 4},
		{"data", "data", blocks*size + 512, (blocks + 100) * size, 2},
		{"hash", "data", 0, (blocks+1)*size + 1024, 5},
	} {
		t.Run(fmt.Sprintf("%s+%s/roots=%d", c.hash, c.fec, c.roots), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data := make([]byte, blocks*size)
			_, _ = rand.NewChaCha8([32]byte{byte(c.roots)}).Read(data)
			path := map[string]string{}
			for _, name := range []string{"data", "hash", "fec"} {
				path[name] = filepath.Join(dir, name)
			}
			writeFile(t, path["data"], data)
			mustRun(t, "verity", "format", path["data"], path[c.hash], "--salt=aabb", "--fec-device", path[c.fec],
				fmt.Sprint("--data-blocks=", blocks), fmt.Sprint("--hash-offset=", c.hashOffset),
				fmt.Sprint("--fec-offset=", c.fecOffset), fmt.Sprint("--fec-roots=", c.roots), "--root-hash-file", filepath.Join(dir, "root"))
			start, err := verity.HashStart(int64(c.hashOffset), true, size)
			if err != nil {
				t.Fatal(err)
			}
			p := verity.Params{HashType: 1, Algorithm: "sha256", DataBlockSize: size, HashBlockSize: size, DataBlocks: blocks, HashStartBlock: start, Salt: []byte{0xaa, 0xbb}}
			l, err := verity.NewLayout(p)
			if err != nil {
				t.Fatal(err)
			}
			hash := readFile(t, path[c.hash])
			tree := make(fixedBytes, l.HashEndOffset())
			root, err := verity.Build(t.Context(), bytes.NewReader(data), tree, p)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(readFile(t, filepath.Join(dir, "root"))); got != hex.EncodeToString(root) {
				t.Errorf("root hash %s, want %x", got, root)
			}
			if !bytes.Equal(hash[l.HashOffset():l.HashEndOffset()], tree[l.HashOffset():]) {
				t.Error("the tree differs from that of two passes")
			}
			area := fec.Area{
				BlockSize: size, Roots: c.roots, DataBlocks: blocks, HashStart: start, HashBlocks: l.HashBlocks(), HashDeviceBytes: l.HashEndOffset(),
				Offset: int64(c.fecOffset), WithData: c.fec == "data", WithHash: c.fec == c.hash,
			}
			f, err := area.Params()
			if err != nil {
				t.Fatal(err)
			}
			parity := make(fixedBytes, f.ParityBytes())
			if err := fec.Encode(t.Context(), area.Stream(bytes.NewReader(data), bytes.NewReader(hash)), parity, 0, f); err != nil {
				t.Fatal(err)
			}
			if got := readFile(t, path[c.fec]); len(got) < c.fecOffset+len(parity) || !bytes.Equal(got[c.fecOffset:][:len(parity)], parity) {
				t.Error("the parity differs from that of two passes")
			}
			if got := readFile(t, path["data"]); !bytes.Equal(got[:len(data)], data) {
				t.Error("the data was changed")
			}
		})
	}
}

// fixedBytes are written in place.
type fixedBytes []byte

func (f fixedBytes) WriteAt(p []byte, off int64) (int, error) { return copy(f[off:], p), nil }
