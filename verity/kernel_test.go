package verity

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// kernelCase is a verity device that a Linux kernel read. testdata/README.md
// tells the origin of the files.
type kernelCase struct {
	Name   string
	Tables map[string][]string
	Map    map[string]string
	EIO    [][2]uint64 // first sector, count
}

// table is one verity table line.
type table struct {
	p          Params
	data, hash string
	root       []byte
	options    []string
}

func (c *kernelCase) table(t *testing.T) table {
	w := strings.Fields(c.Tables["m"][0])
	number := func(i int) uint64 {
		n, err := strconv.ParseUint(w[i], 10, 63)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return table{
		p: Params{
			HashType: int(number(3)), DataBlockSize: int(number(6)), HashBlockSize: int(number(7)),
			DataBlocks: number(8), HashStartBlock: number(9), Algorithm: w[10], Salt: fromHex(t, w[12]),
		},
		data: c.Map[w[4]], hash: c.Map[w[5]], root: fromHex(t, w[11]), options: w[13:],
	}
}

// unpack reads the files of a case.
func (c *kernelCase) unpack(t *testing.T, dir string) map[string]*memory {
	f, err := os.Open(filepath.Join(dir, c.Name+".tar.xz"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the images of this case are not kept here")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*memory{}
	for r := tar.NewReader(x); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(h.Name)] = &memory{b: b}
	}
}

func TestKernelReadTheSame(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		dir := filepath.Join("..", "testdata", "images", corpus)
		raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
		if err != nil {
			t.Fatal(err)
		}
		var cases []kernelCase
		if err := json.Unmarshal(raw, &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if !strings.HasPrefix(c.Name, "verity") || strings.Contains(c.Tables["m"][0], "use_fec_from_device") {
				continue
			}
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				c.compare(t, c.unpack(t, dir))
			})
		}
	}
}

// compare reads the device block by block and checks it as a whole.
func (c *kernelCase) compare(t *testing.T, files map[string]*memory) {
	k := c.table(t)
	want, data, hash := files["plain.img"], files[k.data], files[k.hash]
	has := func(option string) bool { return strings.Contains(strings.Join(k.options, " "), option) }
	d, err := NewDeviceWithOptions(data, hash, k.p, k.root, DeviceOptions{
		IgnoreCorruption: has("ignore_corruption"), IgnoreZeroBlocks: has("ignore_zero_blocks"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var bad rangeList
	b := make([]byte, k.p.DataBlockSize)
	for i := range k.p.DataBlocks {
		_, err := d.ReadAt(b, int64(i)*int64(len(b)))
		var corrupt *CorruptError
		switch {
		case errors.As(err, &corrupt) && *corrupt == CorruptError{Level: -1, Block: i}:
			bad.add(i, 1)
		case err != nil:
			t.Fatalf("block %d: %v", i, err)
		case (int(i)+1)*len(b) > len(want.b): // the kernel's reader had given up by then
		case !bytes.Equal(b, want.b[int(i)*len(b):][:len(b)]):
			t.Errorf("block %d: got other bytes than the kernel", i)
		}
	}
	if has("ignore_corruption") || has("ignore_zero_blocks") {
		return // the images are damaged where the option hides it
	}
	report, err := Check(context.Background(), data, hash, k.p, k.root)
	if err != nil || !report.RootOK || len(report.Tree) != 0 || len(report.Unproven) != 0 {
		t.Fatalf("check: got %+v, %v, want damaged data at most", report, err)
	}
	if !equalRanges(report.Data, bad.ranges) {
		t.Errorf("check: got damaged data %v, read by block it is %v", report.Data, bad.ranges)
	}
	if c.Name == "verity-corrupt-eio" { // the sample tells only where the damage begins
		if len(bad.ranges) == 0 || bad.ranges[0].First != 20480/uint64(len(b)) {
			t.Errorf("damaged blocks: got %v, want the first at byte 20480", bad.ranges)
		}
		return
	}
	var eio rangeList
	for _, e := range c.EIO {
		eio.add(e[0]*512/uint64(len(b)), e[1]*512/uint64(len(b)))
	}
	if !equalRanges(bad.ranges, eio.ranges) {
		t.Errorf("damaged blocks: got %v, the kernel could not read %v", bad.ranges, eio.ranges)
	}
}

func equalRanges(a, b []Range) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
