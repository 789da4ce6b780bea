//go:build linux

package verity

import (
	"bytes"
	"context"
	"crypto/sha3"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"syscall"
	"testing"
)

// hugeRoot is what veritysetup 2.6.1 printed for the image of writeHuge.
const hugeRoot = "824816dee9d906903f0c305513c0db67b3ed7f79eaef45efc83e9ffa32a85265"

const (
	hugeSize    = 64 << 30
	memoryLimit = 64 << 20
)

// sparseFile is a file that knows its holes, by lseek(2).
type sparseFile struct{ *os.File }

func (f sparseFile) NextData(off int64) (start, end int64, err error) {
	const seekData, seekHole = 3, 4
	if start, err = f.Seek(off, seekData); err != nil {
		if errors.Is(err, syscall.ENXIO) {
			err = io.EOF
		}
		return 0, 0, err
	}
	end, err = f.Seek(start, seekHole)
	return start, end, err
}

// writeHuge makes the sparse image: 17 blocks of data, the rest holes.
func writeHuge(t *testing.T, path string) sparseFile {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(hugeSize); err != nil {
		t.Skipf("no sparse files of 64 GiB here: %v", err)
	}
	for i := range 17 {
		if _, err := f.WriteAt(hugeBlock(i), hugeOffset(i)); err != nil {
			t.Fatal(err)
		}
	}
	return sparseFile{f}
}

// hugeOffset is where the i-th written block is; the last one is at the end.
func hugeOffset(i int) int64 {
	if i == 16 {
		return hugeSize - 4096
	}
	return int64(i) * 1000003 * 4096
}

func hugeBlock(i int) []byte {
	h := sha3.NewSHAKE128()
	fmt.Fprintf(h, "block %d", i)
	b := make([]byte, 4096)
	h.Read(b)
	return b
}

// peak samples the memory that the process has from the system.
type peak struct {
	mu      sync.Mutex
	samples []metrics.Sample
	calls   int
	most    uint64
}

func newPeak() *peak {
	return &peak{samples: []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}}
}

func (p *peak) sample() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls++; p.calls%64 != 1 {
		return
	}
	metrics.Read(p.samples)
	p.most = max(p.most, p.samples[0].Value.Uint64()-p.samples[1].Value.Uint64())
}

func (p *peak) check(t *testing.T, what string) {
	t.Helper()
	p.calls = 0
	p.sample()
	t.Logf("%s: at most %.1f MiB", what, float64(p.most)/(1<<20))
	if p.most >= memoryLimit {
		t.Errorf("%s: got %d bytes of memory at the peak, want less than %d", what, p.most, memoryLimit)
	}
}

// TestHugeSparseImage formats, verifies and reads a 64 GiB image. It runs alone,
// for it looks at the memory of the process.
func TestHugeSparseImage(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("hashes the tree of 64 GiB, twice")
	}
	dir := t.TempDir()
	data := writeHuge(t, filepath.Join(dir, "data"))
	hash, err := os.Create(filepath.Join(dir, "hash"))
	if err != nil {
		t.Fatal(err)
	}
	defer hash.Close()
	debug.FreeOSMemory()
	seen := newPeak()
	p := Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096, DataBlocks: hugeSize / 4096, HashStartBlock: 1,
		Salt: fromHex(t, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
	}
	p.Progress = func(int64) { seen.sample() }
	root, err := Build(context.Background(), data, hash, p)
	if err != nil || !bytes.Equal(root, fromHex(t, hugeRoot)) {
		t.Fatalf("root hash: got %x, %v, want %s", root, err, hugeRoot)
	}
	seen.check(t, "build")
	r, err := Check(context.Background(), data, hash, p, root)
	if err != nil || !r.OK() {
		t.Fatalf("check: got %+v, %v, want OK", r, err)
	}
	seen.check(t, "check")
	readHuge(t, data, hash, p, root, seen)
	seen.check(t, "random reads")
}

func readHuge(t *testing.T, data, hash io.ReaderAt, p Params, root []byte, seen *peak) {
	t.Helper()
	d, err := NewDevice(data, hash, p, root)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, 4))
	b := make([]byte, 1<<20)
	for n := range 20000 {
		size := 1 + rng.IntN(20000)
		if n%500 == 0 {
			size = len(b)
		}
		off := rng.Int64N(hugeSize - int64(size))
		if _, err := d.ReadAt(b[:size], off); err != nil {
			t.Fatalf("reading %d bytes at %d: %v", size, off, err)
		}
		seen.sample()
	}
	for i := range 17 {
		if _, err := d.ReadAt(b[:4096], hugeOffset(i)); err != nil || !bytes.Equal(b[:4096], hugeBlock(i)) {
			t.Errorf("written block %d: got %v or other bytes", i, err)
		}
	}
}
