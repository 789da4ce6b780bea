package fec

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
)

func TestArea(t *testing.T) {
	t.Parallel()
	const k = 4096
	base := Area{BlockSize: k, Roots: 2, DataBlocks: 300, HashStart: 1, HashBlocks: 4, HashDeviceBytes: 5 * k}
	for name, c := range map[string]struct {
		change func(a *Area)
		blocks uint64 // 0: refused
	}{
		"own device":                      {func(*Area) {}, 304},
		"own device, at an offset":        {func(a *Area) { a.Offset = 10 * k }, 304},
		"own device, odd offset":          {func(a *Area) { a.Offset = 512 }, 304},
		"offset not in sectors":           {func(a *Area) { a.Offset = 1000 }, 0},
		"negative offset":                 {func(a *Area) { a.Offset = -512 }, 0},
		"no superblock":                   {func(a *Area) { a.HashStart, a.HashDeviceBytes = 0, 4*k }, 304},
		"longer hash device":              {func(a *Area) { a.HashDeviceBytes = 200000 }, 347},
		"hash device ends in a part":      {func(a *Area) { a.HashDeviceBytes = 6*k - 1 }, 304},
		"hash device too short":           {func(a *Area) { a.HashDeviceBytes = 5*k - 1 }, 0},
		"hash device negative":            {func(a *Area) { a.HashDeviceBytes = -1 }, 0},
		"tree in the data device":         {func(a *Area) { a.HashStart, a.HashDeviceBytes = 301, 305*k }, 304},
		"tree in the data device, behind": {func(a *Area) { a.HashStart, a.HashDeviceBytes = 311, 400*k }, 389},
		"all on one device": {func(a *Area) {
			a.HashStart, a.HashDeviceBytes, a.Offset, a.WithData, a.WithHash = 301, 500*k, 400*k, true, true
		}, 399},
		"all on one device, close": {func(a *Area) {
			a.HashStart, a.HashDeviceBytes, a.Offset, a.WithData, a.WithHash = 301, 305*k, 305*k, true, true
		}, 304},
		"all on one device, odd offset": {func(a *Area) {
			a.HashStart, a.HashDeviceBytes, a.Offset, a.WithData, a.WithHash = 301, 305*k, 305*k+512, true, true
		}, 304},
		"parity before the tree": {func(a *Area) {
			a.HashStart, a.HashDeviceBytes, a.Offset, a.WithData, a.WithHash = 401, 500*k, 300*k, true, true
		}, 0},
		"parity in the tree": {func(a *Area) {
			a.HashStart, a.HashDeviceBytes, a.Offset, a.WithData, a.WithHash = 301, 500*k, 303*k, true, true
		}, 0},
		"on the hash device":           {func(a *Area) { a.HashDeviceBytes, a.Offset, a.WithHash = 20*k, 10*k, true }, 309},
		"on the hash device, overlap":  {func(a *Area) { a.HashDeviceBytes, a.Offset, a.WithHash = 20*k, 4*k, true }, 0},
		"on the data device":           {func(a *Area) { a.Offset, a.WithData = 300*k, true }, 304},
		"on the data device, overlap":  {func(a *Area) { a.Offset, a.WithData = 200*k, true }, 0},
		"one block, no tree":           {func(a *Area) { a.DataBlocks, a.HashBlocks, a.HashDeviceBytes = 1, 0, k }, 1},
		"one block, no tree, no file":  {func(a *Area) { a.DataBlocks, a.HashStart, a.HashBlocks, a.HashDeviceBytes = 1, 0, 0, 0 }, 1},
		"one block, long hash device":  {func(a *Area) { a.DataBlocks, a.HashStart, a.HashBlocks, a.HashDeviceBytes = 1, 0, 0, 3*k }, 4},
		"one block, short hash device": {func(a *Area) { a.DataBlocks, a.HashBlocks, a.HashDeviceBytes = 1, 0, 100 }, 1},
		"no data":                      {func(a *Area) { a.DataBlocks = 0 }, 0},
		"absurd data":                  {func(a *Area) { a.DataBlocks = math.MaxUint64 }, 0},
		"absurd hash start":            {func(a *Area) { a.HashStart = math.MaxUint64 }, 0},
		"absurd tree":                  {func(a *Area) { a.HashBlocks = math.MaxUint64 }, 0},
		"absurd hash device":           {func(a *Area) { a.DataBlocks, a.HashDeviceBytes = math.MaxInt64/k-300, math.MaxInt64 }, 0},
		"bad roots":                    {func(a *Area) { a.Roots = 25 }, 0},
		"bad block size":               {func(a *Area) { a.BlockSize = 0 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := base
			c.change(&a)
			p, err := a.Params()
			switch {
			case c.blocks == 0 && !errors.Is(err, ErrBadParams):
				t.Errorf("%+v: got %d blocks, %v; want ErrBadParams", a, p.Blocks, err)
			case c.blocks != 0 && (err != nil || p.Blocks != c.blocks || p.Roots != a.Roots || p.BlockSize != a.BlockSize):
				t.Errorf("%+v: got %+v, %v; want %d blocks", a, p, err, c.blocks)
			}
		})
	}
}

func TestStartBlock(t *testing.T) {
	t.Parallel()
	for off, want := range map[int64]struct {
		block uint64
		ok    bool
	}{0: {0, true}, 512: {0, false}, 4096: {1, true}, 4608: {1, false}, 1 << 40: {1 << 28, true}} {
		block, ok := Area{BlockSize: 4096, Offset: off}.StartBlock()
		if block != want.block || ok != want.ok {
			t.Errorf("offset %d: got block %d, %v; want %d, %v", off, block, ok, want.block, want.ok)
		}
	}
}

// TestStream reads and writes every piece of a small stream across its seam.
func TestStream(t *testing.T) {
	t.Parallel()
	a := Area{BlockSize: 512, DataBlocks: 2, HashStart: 1, HashBlocks: 1}
	data, hash := randomBytes(1, 3*512), randomBytes(2, 512+700)
	want := append(append([]byte(nil), data[:1024]...), hash[512:]...)
	s := a.Stream(bytes.NewReader(data), bytes.NewReader(hash))
	for off := range len(want) {
		for _, n := range []int{0, 1, 500, 1000, len(want) - off, len(want) - off + 1} {
			p := make([]byte, n)
			got, err := s.ReadAt(p, int64(off))
			end := min(off+n, len(want))
			short := off+n > len(want)
			if got != end-off || !bytes.Equal(p[:got], want[off:end]) || short != (err == io.EOF) || !short && err != nil {
				t.Fatalf("ReadAt %d bytes at %d: got %d, %v; want %d", n, off, got, err, end-off)
			}
		}
	}
	if n, err := s.ReadAt(make([]byte, 10), 5000); n != 0 || err != io.EOF {
		t.Errorf("ReadAt behind the end: got %d, %v; want io.EOF", n, err)
	}
	short := a.Stream(bytes.NewReader(data[:1000]), bytes.NewReader(hash))
	if n, err := short.ReadAt(make([]byte, 200), 900); n != 100 || err != io.ErrUnexpectedEOF {
		t.Errorf("ReadAt over the end of short data: got %d, %v; want 100, io.ErrUnexpectedEOF", n, err)
	}
	for _, at := range []int{0, 300, 1000, 1024, 1500} {
		d, h := make(memory, len(data)), make(memory, len(hash))
		piece := randomBytes(3, 100)
		if n, err := a.StreamWriter(d, h).WriteAt(piece, int64(at)); n != 100 || err != nil {
			t.Fatalf("WriteAt %d: got %d, %v", at, n, err)
		}
		got := make([]byte, 100)
		if _, err := a.Stream(d, h).ReadAt(got, int64(at)); err != nil || !bytes.Equal(got, piece) {
			t.Errorf("what WriteAt wrote at %d reads back different: %v", at, err)
		}
	}
	broken := errors.New("broken")
	w := a.StreamWriter(failing{broken}, make(memory, len(hash)))
	if n, err := w.WriteAt(make([]byte, 100), 1000); n != 0 || err != broken {
		t.Errorf("WriteAt to failing data: got %d, %v; want the error", n, err)
	}
}
