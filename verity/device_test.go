package verity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

func (i *image) device(t testing.TB, o DeviceOptions) *Device {
	t.Helper()
	d, err := NewDeviceWithOptions(i.data, i.hash, i.p, i.root, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDeviceReadsAnyRange(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newImage(t, p)
			for _, o := range []DeviceOptions{{}, {CacheBytes: 1}, {IgnoreZeroBlocks: true}, {CheckAtMostOnce: true}, {IgnoreCorruption: true}} {
				d := i.device(t, o)
				if d.Size() != int64(len(i.data.b)) {
					t.Fatalf("size: got %d, want %d", d.Size(), len(i.data.b))
				}
				readRanges(t, d, i.data.b)
			}
		})
	}
}

func TestDeviceIsAReader(t *testing.T) {
	t.Parallel()
	i := newImage(t, Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 17})
	d := i.device(t, DeviceOptions{})
	if err := iotest.TestReader(io.NewSectionReader(d, 0, d.Size()), i.data.b); err != nil {
		t.Error(err)
	}
}

// readRanges compares reads of random ranges, some of them past the end.
func readRanges(t *testing.T, d io.ReaderAt, want []byte) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(len(want))))
	b := make([]byte, len(want)+100)
	for range 40 {
		off := rng.IntN(len(want) + 10)
		n := rng.IntN(1 << rng.IntN(22))
		n = min(n, len(b))
		got, err := d.ReadAt(b[:n], int64(off))
		wantN := max(0, min(n, len(want)-off))
		if got != wantN || (err == io.EOF) != (wantN < n) || err != nil && err != io.EOF {
			t.Fatalf("reading %d at %d of %d: got %d, %v, want %d", n, off, len(want), got, err, wantN)
		}
		if wantN > 0 && !bytes.Equal(b[:got], want[off:off+got]) {
			t.Fatalf("reading %d at %d: wrong bytes", n, off)
		}
	}
}

func TestDeviceOddReads(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(3))
	d := i.device(t, DeviceOptions{})
	b := make([]byte, 10)
	if n, err := d.ReadAt(b, -1); n != 0 || err == nil || err == io.EOF {
		t.Errorf("negative offset: got %d, %v, want an error", n, err)
	}
	if n, err := d.ReadAt(b, d.Size()); n != 0 || err != io.EOF {
		t.Errorf("at the end: got %d, %v, want EOF", n, err)
	}
	if n, err := d.ReadAt(nil, d.Size()); n != 0 || err != nil {
		t.Errorf("nothing: got %d, %v, want 0, nil", n, err)
	}
	if n, err := d.ReadAt(b, d.Size()-10); n != 10 || err != nil {
		t.Errorf("up to the end: got %d, %v, want 10, nil", n, err)
	}
}

func TestDeviceStopsAtDamage(t *testing.T) {
	t.Parallel()
	data := func(block int) func(*image) {
		return func(i *image) { flip(i.data, int64(block*i.p.DataBlockSize+7)) }
	}
	hash := func(block int) func(*image) {
		return func(i *image) { flip(i.hash, int64(block*i.p.HashBlockSize)) }
	}
	tests := []struct {
		name   string
		p      Params
		damage func(*image)
		off, n int
		good   int
		want   CorruptError
	}{
		{"one block", params(300), data(17), 17 * 4096, 4096, 0, CorruptError{-1, 17}},
		{"part of a block", params(300), data(17), 17*4096 + 100, 1, 0, CorruptError{-1, 17}},
		{"good before", params(300), data(17), 10*4096 + 5, 20 * 4096, 7*4096 - 5, CorruptError{-1, 17}},
		{"whole image", params(300), data(299), 0, 300 * 4096, 299 * 4096, CorruptError{-1, 299}},
		{"level 0", params(300), hash(3), 100 * 4096, 100 * 4096, 28 * 4096, CorruptError{0, 3}},
		{"top", params(300), hash(1), 5, 5, 0, CorruptError{1, 1}},
		{"no tree", params(1), data(0), 0, 4096, 0, CorruptError{-1, 0}},
		{"deep level 2", deep(), hash(deepLevel2 + 1), 4000 * 512, 97 * 512, 96 * 512, CorruptError{2, deepLevel2 + 1}},
		{"deep level 1", deep(), hash(deepLevel1 + 3), 0, 2 << 20, 3 * 256 * 512, CorruptError{1, deepLevel1 + 3}},
	}
	for _, test := range tests {
		for _, jobs := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d jobs", test.name, jobs), func(t *testing.T) {
				t.Parallel()
				p := test.p
				p.Jobs = jobs
				i := newImage(t, p)
				sound := bytes.Clone(i.data.b)
				test.damage(i)
				d := i.device(t, DeviceOptions{})
				b := bytes.Repeat([]byte{0xaa}, test.n)
				n, err := d.ReadAt(b, int64(test.off))
				var got *CorruptError
				if n != test.good || !errors.Is(err, ErrCorrupt) || !errors.As(err, &got) || *got != test.want {
					t.Fatalf("reading %d at %d: got %d, %v, want %d, %v", test.n, test.off, n, err, test.good, &test.want)
				}
				if !bytes.Equal(b[:n], sound[test.off:test.off+n]) {
					t.Error("proven part: wrong bytes")
				}
				if !isZero(b[n:]) {
					t.Error("rest of the buffer: not zeroed")
				}
				d = i.device(t, DeviceOptions{IgnoreCorruption: true})
				if n, err := d.ReadAt(b, int64(test.off)); n != len(b) || err != nil || !bytes.Equal(b, i.data.b[test.off:test.off+n]) {
					t.Errorf("ignoring corruption: got %d, %v, want the %d bytes that are there", n, err, len(b))
				}
			})
		}
	}
}

func TestCorruptErrorText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"verity: data block 7 is corrupted":                &CorruptError{-1, 7},
		"verity: hash block 9 (tree level 1) is corrupted": &CorruptError{1, 9},
	} {
		if err.Error() != want || errors.Is(err, ErrBadParams) {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}

func TestDeviceMediumErrors(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(300))
	tests := []struct {
		name       string
		data, hash io.ReaderAt
		good       int
		want       error
		text       string
	}{
		{"unreadable data", &failing{i.data, 4096*50 + 9}, i.hash, 50, errMedium, "reading data at offset 204809"},
		{"unreadable hash", i.data, &failing{i.hash, 4096 * 3}, 128, errMedium, "reading hash at offset 12288"},
		{"data cut", short(i.data, 4096*60+1), i.hash, 60, io.ErrUnexpectedEOF, "reading data at offset 245760: it ends at 245761, 1228800 bytes are needed"},
		{"hash cut", i.data, short(i.hash, 4096*3+8), 128, io.ErrUnexpectedEOF, "reading hash at offset 12288: it ends at 12296, 20480 bytes are needed"},
		{"hash empty", i.data, &memory{}, 0, io.ErrUnexpectedEOF, "reading hash at offset 4096"},
	}
	for _, test := range tests {
		for _, o := range []DeviceOptions{{}, {IgnoreCorruption: true}, {IgnoreZeroBlocks: true}, {CheckAtMostOnce: true}} {
			d, err := NewDeviceWithOptions(test.data, test.hash, i.p, i.root, o)
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 300*4096)
			n, err := d.ReadAt(b, 0)
			if n != test.good*4096 || !errors.Is(err, test.want) || errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%s, %+v: got %d blocks, %v; want %d, %q", test.name, o, n/4096, err, test.good, test.text)
			}
			if !bytes.Equal(b[:n], i.data.b[:n]) || !isZero(b[n:]) {
				t.Errorf("%s, %+v: wrong bytes", test.name, o)
			}
		}
	}
}

func TestDeviceIgnoresZeroBlocks(t *testing.T) {
	t.Parallel()
	p := params(300)
	p.Jobs = 1
	data := pattern(300*4096, 5)
	for _, zero := range [][2]int{{0, 3}, {17, 18}, {100, 140}, {299, 300}} {
		clear(data[zero[0]*4096 : zero[1]*4096])
	}
	tree, root := modelTree(t, p, data)
	i := &image{p: p, data: &memory{b: bytes.Clone(data)}, hash: &memory{b: append(make([]byte, 4096), tree...)}, root: root}
	for _, block := range []int{1, 17, 120, 299} { // what should be zero is junk
		wipe(i.data, block, 1, 4096)
	}
	readRanges(t, i.device(t, DeviceOptions{IgnoreZeroBlocks: true}), data)
	b := make([]byte, len(data))
	d, err := NewDeviceWithOptions(&failing{i.data, 17*4096 + 1}, i.hash, p, root, DeviceOptions{IgnoreZeroBlocks: true})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.ReadAt(b, 0); n != len(b) || err != nil {
		t.Errorf("unreadable where it should be zero: got %d, %v, want it not read", n, err)
	}
	flip(i.data, 200*4096)
	var corrupt *CorruptError
	if n, err := i.device(t, DeviceOptions{IgnoreZeroBlocks: true}).ReadAt(b, 0); n != 200*4096 || !errors.As(err, &corrupt) || corrupt.Block != 200 {
		t.Errorf("damage elsewhere: got %d, %v, want it found in block 200", n, err)
	}
	d = i.device(t, DeviceOptions{})
	if n, err := d.ReadAt(b, 0); n != 4096 || !errors.Is(err, ErrCorrupt) {
		t.Errorf("without the option: got %d, %v, want damage in block 1", n, err)
	}
	wipe(i.hash, 3, 1, 4096)
	if n, err := i.device(t, DeviceOptions{IgnoreZeroBlocks: true}).ReadAt(b, 0); n != 128*4096 || !errors.Is(err, ErrCorrupt) {
		t.Errorf("tree damaged: got %d, %v, want 128 blocks", n, err)
	}
}

func TestDeviceChecksOnce(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(300))
	d := i.device(t, DeviceOptions{CheckAtMostOnce: true})
	b := make([]byte, 4096)
	if _, err := d.ReadAt(b, 9*4096); err != nil {
		t.Fatal(err)
	}
	flip(i.data, 9*4096)
	flip(i.data, 10*4096)
	if n, err := d.ReadAt(b, 9*4096); n != len(b) || err != nil || !bytes.Equal(b, i.data.b[9*4096:10*4096]) {
		t.Errorf("second read of a block: got %d, %v, want what is there now", n, err)
	}
	if _, err := d.ReadAt(b, 10*4096); !errors.Is(err, ErrCorrupt) {
		t.Errorf("first read of a block: got %v, want ErrCorrupt", err)
	}
	if _, err := d.ReadAt(b, 10*4096); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged block again: got %v, want ErrCorrupt", err)
	}
}

func TestOnceMapIsBounded(t *testing.T) {
	t.Parallel()
	m := newOnceMap(1 << 50)
	if len(m.pages) != oncePages {
		t.Fatalf("pages: got %d, want %d", len(m.pages), oncePages)
	}
	for _, block := range []uint64{0, 63, 64, 1 << oncePageBits, oncePages<<oncePageBits - 1, oncePages << oncePageBits, 1 << 49} {
		kept := block < oncePages<<oncePageBits
		if m.has(block) {
			t.Errorf("block %d: there before it was added", block)
		}
		m.add(block)
		if m.has(block) != kept || m.has(block+1) {
			t.Errorf("block %d: got %v after it, %v for the next, want %v and false", block, m.has(block), m.has(block+1), kept)
		}
	}
}

// TestDeviceTrustsNoUncheckedParent changes the tree after part of it was
// proven: what was proven stays, what was not is checked.
func TestDeviceTrustsNoUncheckedParent(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(300))
	d := i.device(t, DeviceOptions{})
	b := make([]byte, 4096)
	if _, err := d.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	wipe(i.hash, 1, 2, 4096) // top and the first block of level 0 are cached
	if _, err := d.ReadAt(b, 4096); err != nil {
		t.Errorf("below a proven block: got %v, want nil", err)
	}
	wipe(i.hash, 3, 1, 4096)
	if _, err := d.ReadAt(b, 200*4096); !errors.Is(err, ErrCorrupt) {
		t.Errorf("below a block not proven yet: got %v, want ErrCorrupt", err)
	}
}

// counting counts the bytes that are read.
type counting struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ReaderAt.ReadAt(p, off)
}

func TestDeviceCachesProvenBlocks(t *testing.T) {
	t.Parallel()
	i := newImage(t, deep())
	hash := &counting{ReaderAt: i.hash}
	for _, test := range []struct{ cache, least, most int }{
		{0, deepBlocks, deepBlocks}, // all of the tree is kept
		{512, 4000, 4097 * 4},       // next to nothing is
	} {
		hash.n.Store(0)
		d, err := NewDeviceWithOptions(i.data, hash, i.p, i.root, DeviceOptions{CacheBytes: test.cache})
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 512)
		for n := range 4097 {
			block := n * 1009 % 4097
			if _, err := d.ReadAt(b, int64(block)*512); err != nil || !bytes.Equal(b, i.data.b[block*512:][:512]) {
				t.Fatalf("block %d: %v", block, err)
			}
		}
		if got := int(hash.n.Load() / 512); got < test.least || got > test.most {
			t.Errorf("cache of %d bytes: got %d hash blocks read, want %d to %d", test.cache, got, test.least, test.most)
		}
	}
}

func TestBlockCacheIsBounded(t *testing.T) {
	t.Parallel()
	l, err := NewLayout(params(1 << 24))
	if err != nil {
		t.Fatal(err)
	}
	c := newBlockCache(&l, 1<<20)
	block, out := make([]byte, 4096), make([]byte, 32)
	for n := range uint64(5000) {
		block[0] = byte(n)
		c.put(n, block)
		c.put(n, block)
		if !c.digests(out, n, 0) || out[0] != byte(n) {
			t.Fatalf("block %d: not there after put", n)
		}
	}
	bytes := 0
	for i := range c.sets {
		for _, b := range c.sets[i].blocks {
			bytes += len(b)
		}
	}
	if bytes > 1<<20 || bytes < 1<<19 {
		t.Errorf("cache: got %d bytes, want at most %d and most of that", bytes, 1<<20)
	}
}

func TestDeviceConcurrently(t *testing.T) {
	t.Parallel()
	i := newImage(t, deep())
	for _, o := range []DeviceOptions{{CacheBytes: 4096}, {CheckAtMostOnce: true}, {IgnoreZeroBlocks: true}} {
		d := i.device(t, o)
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() { readRanges(t, d, i.data.b) })
		}
		wg.Wait()
	}
}

func TestDeviceRefusesParameters(t *testing.T) {
	t.Parallel()
	i := newImage(t, params(3))
	if _, err := NewDevice(i.data, i.hash, Params{}, i.root); !errors.Is(err, ErrBadParams) {
		t.Errorf("no parameters: got %v, want ErrBadParams", err)
	}
	if _, err := NewDevice(i.data, i.hash, i.p, i.root[1:]); !errors.Is(err, ErrBadParams) {
		t.Errorf("short root hash: got %v, want ErrBadParams", err)
	}
	if _, err := NewDeviceWithOptions(i.data, i.hash, i.p, i.root, DeviceOptions{CacheBytes: -1}); !errors.Is(err, ErrBadParams) {
		t.Errorf("negative cache: got %v, want ErrBadParams", err)
	}
}
