package fec

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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

// layout is one way to place data, hashes and parity. Offsets are in bytes;
// the devices are files named "data", "hash" and "fec" unless said otherwise.
type layout struct {
	blockSize, roots int
	dataBlocks       uint64
	noSuperblock     bool
	hashFile         string // "" for "hash"
	hashOffset       int64
	fecFile          string // "" for "fec"
	fecOffset        int64
	longer           map[string]int // random bytes that are in a file before, behind the data
}

// format runs veritysetup and returns its folder and what it printed.
func (l *layout) format(t *testing.T, tool string) (dir, output string) {
	t.Helper()
	dir = t.TempDir()
	if l.hashFile == "" {
		l.hashFile = "hash"
	}
	if l.fecFile == "" {
		l.fecFile = "fec"
	}
	content := map[string][]byte{"data": randomBytes(l.dataBlocks, int(l.dataBlocks)*l.blockSize)}
	for name, n := range l.longer {
		content[name] = append(content[name], randomBytes(9, n)...)
	}
	for name, b := range content {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{
		"format", "data", l.hashFile, "--salt=00112233", "--uuid=a60c98d2-ae9b-4865-bfcb-b4e3ace11033",
		fmt.Sprintf("--data-block-size=%d", l.blockSize), fmt.Sprintf("--hash-block-size=%d", l.blockSize),
		fmt.Sprintf("--data-blocks=%d", l.dataBlocks), fmt.Sprintf("--hash-offset=%d", l.hashOffset),
		"--fec-device=" + l.fecFile, fmt.Sprintf("--fec-offset=%d", l.fecOffset), fmt.Sprintf("--fec-roots=%d", l.roots),
	}
	if l.noSuperblock {
		args = append(args[:4], args[5:]...)
		args = append(args, "--no-superblock")
	}
	cmd := exec.Command(tool, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("veritysetup %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return dir, string(out)
}

// area describes the layout to this package, from the files veritysetup made.
func (l *layout) area(t *testing.T, dir, output string) Area {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, l.hashFile))
	if err != nil {
		t.Fatal(err)
	}
	start := l.hashOffset
	if !l.noSuperblock {
		start += 512
	}
	hashBlocks, err := strconv.ParseUint(printed(t, output, "Hash blocks:"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return Area{
		BlockSize: l.blockSize, Roots: l.roots, DataBlocks: l.dataBlocks,
		HashStart: uint64((start + int64(l.blockSize) - 1) / int64(l.blockSize)), HashBlocks: hashBlocks,
		HashDeviceBytes: info.Size(), Offset: l.fecOffset,
		WithData: l.fecFile == "data", WithHash: l.fecFile == l.hashFile,
	}
}

// printed returns the value that veritysetup prints after a label.
func printed(t *testing.T, output, label string) string {
	t.Helper()
	for line := range strings.Lines(output) {
		if value, ok := strings.CutPrefix(line, label); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("veritysetup does not print %q: %s", label, output)
	return ""
}

// compare checks that Encode makes the bytes that veritysetup made.
func (l *layout) compare(t *testing.T, tool string) {
	t.Helper()
	dir, output := l.format(t, tool)
	a := l.area(t, dir, output)
	p, err := a.Params()
	if err != nil {
		t.Fatalf("%+v: %v", a, err)
	}
	if got := printed(t, output, "FEC blocks:"); got != strconv.FormatUint(p.ParityBlocks(), 10) {
		t.Errorf("veritysetup prints %s FEC blocks, ParityBlocks is %d", got, p.ParityBlocks())
	}
	files := map[string][]byte{}
	for _, name := range []string{"data", l.hashFile, l.fecFile} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	got := make(memory, p.ParityBytes())
	stream := a.Stream(bytes.NewReader(files["data"]), bytes.NewReader(files[l.hashFile]))
	if err := Encode(t.Context(), stream, got, 0, p); err != nil {
		t.Fatal(err)
	}
	want := files[l.fecFile][l.fecOffset:]
	if len(want) < len(got) || !bytes.Equal(got, want[:len(got)]) {
		t.Errorf("%+v: parity of %d blocks differs from veritysetup's %d bytes", *l, p.Blocks, len(want))
	}
	if l.longer[l.fecFile] == 0 && len(want) != len(got) {
		t.Errorf("%+v: veritysetup writes %d bytes, dmimg %d", *l, len(want), len(got))
	}
}

// TestVeritysetupRoots compares every number of roots.
func TestVeritysetupRoots(t *testing.T) {
	t.Parallel()
	tool := requireTool(t, "veritysetup")
	for roots := MinRoots; roots <= MaxRoots; roots++ {
		t.Run(fmt.Sprintf("roots=%d", roots), func(t *testing.T) {
			t.Parallel()
			l := layout{blockSize: 1024, roots: roots, dataBlocks: 300 + 3*uint64(roots)}
			l.compare(t, tool)
		})
	}
}

// TestVeritysetupSizes compares small and uneven numbers of blocks.
func TestVeritysetupSizes(t *testing.T) {
	t.Parallel()
	tool := requireTool(t, "veritysetup")
	for _, blockSize := range []int{512, 1024, 4096, 8192, 32768} {
		for _, blocks := range []uint64{1, 2, 127, 128, 129, 230, 231, 252, 253, 254, 505, 507} {
			if blockSize > 4096 && blocks > 2 && blocks != 129 {
				continue
			}
			t.Run(fmt.Sprintf("size=%d/blocks=%d", blockSize, blocks), func(t *testing.T) {
				t.Parallel()
				l := layout{blockSize: blockSize, roots: 2 + int(blocks%5), dataBlocks: blocks}
				l.compare(t, tool)
				l = layout{blockSize: blockSize, roots: 2, dataBlocks: blocks, noSuperblock: true}
				l.compare(t, tool)
			})
		}
	}
}

// TestVeritysetupLayouts compares all the ways to share devices.
func TestVeritysetupLayouts(t *testing.T) {
	t.Parallel()
	tool := requireTool(t, "veritysetup")
	const k = 4096
	for name, l := range map[string]layout{
		"hash offset":                 {hashOffset: 10 * k},
		"hash offset within a block":  {hashOffset: 512},
		"hash offset, no superblock":  {hashOffset: 3 * k, noSuperblock: true},
		"long hash file":              {longer: map[string]int{"hash": 4000000}},
		"long parity file":            {longer: map[string]int{"fec": 100000}},
		"parity offset":               {fecOffset: 10 * k},
		"parity offset in sectors":    {fecOffset: 1536},
		"hash in data":                {hashFile: "data", hashOffset: 300 * k},
		"hash in long data":           {hashFile: "data", hashOffset: 310 * k, longer: map[string]int{"data": 500000}},
		"all in data":                 {hashFile: "data", hashOffset: 300 * k, fecFile: "data", fecOffset: 305 * k, longer: map[string]int{"data": 5 * k}},
		"all in data, gaps":           {hashFile: "data", hashOffset: 304 * k, fecFile: "data", fecOffset: 400 * k, longer: map[string]int{"data": 100 * k}},
		"all in data, odd offset":     {hashFile: "data", hashOffset: 300 * k, fecFile: "data", fecOffset: 305*k + 512, longer: map[string]int{"data": 6 * k}},
		"parity in hash":              {fecFile: "hash", fecOffset: 5 * k},
		"parity in long hash":         {fecFile: "hash", fecOffset: 12 * k, longer: map[string]int{"hash": 20 * k}},
		"parity in data, hash apart":  {fecFile: "data", fecOffset: 300 * k},
		"parity in data, hash longer": {fecFile: "data", fecOffset: 301 * k, longer: map[string]int{"hash": 100000}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.blockSize, l.roots, l.dataBlocks = k, 2, 300
			l.compare(t, tool)
		})
	}
}
