package fec

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// readArchive unpacks the files of a case.
func readArchive(t *testing.T, path string) map[string]memory {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := xz.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	files := map[string]memory{}
	for r := tar.NewReader(unpacked); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatalf("%s: %s: %v", path, h.Name, err)
		}
	}
}

// kernelCase is an entry of the index of volumes that a kernel read.
type kernelCase struct {
	Name   string
	Tables map[string][]string
	Map    map[string]string
}

// TestKernel takes volumes with parity that a real kernel read, some of them
// damaged. What the kernel returned must be what Repair makes of the image,
// and block by block what Recover returns.
func TestKernel(t *testing.T) {
	t.Parallel()
	found := 0
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		index := sharedTestdata(t, filepath.Join(corpus, "index.json"))
		raw, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		var cases []kernelCase
		if err := json.Unmarshal(raw, &cases); err != nil {
			t.Fatalf("%s: %v", index, err)
		}
		for _, c := range cases {
			for _, lines := range c.Tables {
				if len(lines) == 1 && strings.Contains(lines[0], " use_fec_from_device ") {
					found++
					t.Run(c.Name, func(t *testing.T) {
						t.Parallel()
						c.check(t, strings.Fields(lines[0]), readArchive(t, filepath.Join(filepath.Dir(index), c.Name+".tar.xz")))
					})
				}
			}
		}
	}
	if found == 0 {
		t.Error("no volume with parity in the corpora")
	}
}

// check works on the words of a verity table line and the files it names.
func (c kernelCase) check(t *testing.T, words []string, files map[string]memory) {
	number := func(word string) uint64 {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatalf("table %q: %v", words, err)
		}
		return n
	}
	option := func(name string) string {
		for i, w := range words {
			if w == name {
				return words[i+1]
			}
		}
		t.Fatalf("table %q has no %s", words, name)
		return ""
	}
	blockSize := number(words[6])
	data, hash := files[c.Map[words[4]]], files[c.Map[words[5]]]
	parity := files[c.Map[option("use_fec_from_device")]]
	a := Area{
		BlockSize: int(blockSize), Roots: int(number(option("fec_roots"))), DataBlocks: number(words[8]),
		HashStart: number(words[9]), HashDeviceBytes: int64(len(hash)),
	}
	p := Params{Roots: a.Roots, BlockSize: a.BlockSize, Blocks: number(option("fec_blocks"))}
	off := int64(number(option("fec_start")) * blockSize)
	if whole, err := a.Params(); err != nil || whole.Blocks != p.Blocks {
		t.Errorf("Area says %d blocks, %v; the table %d", whole.Blocks, err, p.Blocks)
	}
	plain := files["plain.img"]
	bad := func(block uint64, content []byte) bool {
		return block < a.DataBlocks && !bytes.Equal(content, plain[block*blockSize:][:blockSize])
	}
	var damaged []Range
	for b := range a.DataBlocks {
		if bad(b, data[b*blockSize:][:blockSize]) {
			damaged = append(damaged, Range{b, b})
		}
	}
	report, err := Check(t.Context(), a.Stream(data, hash), parity, off, p)
	if err != nil || report.OK() != (len(damaged) == 0) {
		t.Errorf("%d damaged blocks: Check says %+v, %v", len(damaged), report, err)
	}
	d, err := NewDecoder(a.Stream(data, hash), parity, off, p)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, blockSize)
	for b := range a.DataBlocks {
		if err := d.Recover(got, b, bad); err != nil || bad(b, got) {
			t.Fatalf("block %d: Recover differs from the kernel: %v", b, err)
		}
	}
	repairs, err := d.Repair(t.Context(), a.StreamWriter(data, hash), damaged, bad)
	if err != nil || len(repairs.Lost) != 0 || !bytes.Equal(data, plain) {
		t.Errorf("%d damaged blocks: Repair gives %+v, %v", len(damaged), repairs, err)
	}
	again := encodeBytes(t, readAll(t, a.Stream(data, hash), p.CoveredBytes()), p)
	if !bytes.Equal(again, parity[off:][:len(again)]) {
		t.Error("Encode of the repaired image differs from the parity that the kernel used")
	}
	t.Logf("%d of %d blocks were damaged", len(damaged), a.DataBlocks)
}

func readAll(t *testing.T, r io.ReaderAt, size int64) []byte {
	t.Helper()
	b := make([]byte, size)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		t.Fatal(err)
	}
	return b
}
