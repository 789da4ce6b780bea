package verity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
)

// stream writes data in steps of uneven size.
func stream(w io.Writer, data []byte, step int) error {
	for len(data) > 0 {
		n, err := w.Write(data[:min(len(data), step)])
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func newWriter(t testing.TB, hash ReadWriterAt, p Params, o WriterOptions) *Writer {
	t.Helper()
	w, err := NewWriterWithOptions(hash, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWriterEqualsModel(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := newImage(t, p)
			for _, known := range []bool{true, false} {
				for _, step := range []int{4096, 7001, 1 << 20} {
					compareStream(t, want, known, step)
				}
			}
		})
	}
}

// compareStream streams the data of an image and compares what comes out.
func compareStream(t *testing.T, want *image, known bool, step int) {
	t.Helper()
	p := want.p
	if !known {
		p.DataBlocks = 0
	}
	var got memory
	w, err := NewWriter(&got, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream(w, want.data.b, step); err != nil {
		t.Fatal(err)
	}
	root, done, err := w.Finish(context.Background())
	if err != nil || !bytes.Equal(root, want.root) || !sameTree(done, want.p) {
		t.Errorf("known %v, steps of %d: got root hash %x of %s, %v; want %x of %s",
			known, step, root, describe(done), err, want.root, describe(want.p))
	}
	if want.p.DataBlocks > 1 && !bytes.Equal(got.b, want.hash.b) || want.p.DataBlocks == 1 && len(got.b) != 0 {
		t.Errorf("known %v, steps of %d: tree differs from the model (%d and %d bytes)", known, step, len(got.b), len(want.hash.b))
	}
}

// TestWriterMovesLongLevels has a level 0 that is moved in several parts, and
// more data than all chunks in flight.
func TestWriterMovesLongLevels(t *testing.T) {
	t.Parallel()
	p := Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512, DataBlocks: 40000, HashStartBlock: 3, Jobs: 2}
	data := pattern(40000*512, 4)
	want := new(memory)
	root, err := Build(context.Background(), &memory{b: data}, want, p)
	if err != nil {
		t.Fatal(err)
	}
	compareStream(t, &image{p: p, data: &memory{b: data}, hash: want, root: root}, false, 100000)
}

func TestWriterTail(t *testing.T) {
	t.Parallel()
	data := pattern(3*4096+100, 9)
	padded := append(bytes.Clone(data), make([]byte, 4096-100)...)
	tests := []struct {
		name  string
		tail  Tail
		given uint64 // p.DataBlocks
		n     int
		want  []byte // the data that counts; nil: an error
		err   error
		text  string
	}{
		{"error", TailError, 0, len(data), nil, ErrRagged, "100 bytes after 3 blocks of 4096"},
		{"pad", TailPad, 0, len(data), padded, nil, ""},
		{"truncate", TailTruncate, 0, len(data), data[:3*4096], nil, ""},
		{"error, known", TailError, 4, len(data), nil, ErrRagged, "100 bytes after 3 blocks"},
		{"pad, known", TailPad, 4, len(data), padded, nil, ""},
		{"truncate, known", TailTruncate, 3, len(data) - 50, nil, io.ErrShortWrite, "after 3 blocks of 4096"},
		{"truncate, one missing", TailTruncate, 4, len(data), nil, io.ErrUnexpectedEOF, "ends after 3 of 4 blocks"},
		{"pad, one missing", TailPad, 5, len(data), nil, io.ErrUnexpectedEOF, "ends after 4 of 5 blocks"},
		{"pad nothing", TailPad, 0, 3 * 4096, data[:3*4096], nil, ""},
		{"pad a byte", TailPad, 0, 1, append([]byte{data[0]}, make([]byte, 4095)...), nil, ""},
		{"truncate all", TailTruncate, 0, 4095, nil, ErrBadParams, "0 data blocks"},
		{"nothing", TailPad, 0, 0, nil, ErrBadParams, "0 data blocks"},
		{"too much", TailError, 3, 3*4096 + 1, nil, io.ErrShortWrite, "after 3 blocks of 4096"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := params(test.given)
			hash := new(memory)
			w := newWriter(t, hash, p, WriterOptions{Tail: test.tail})
			err := stream(w, data[:test.n], 1000)
			root, done, finishErr := w.Finish(context.Background())
			if err == nil {
				err = finishErr
			}
			if test.want == nil {
				if !errors.Is(err, test.err) || finishErr == nil || !strings.Contains(err.Error(), test.text) {
					t.Fatalf("got %v, %v, want %v with %q", err, finishErr, test.err, test.text)
				}
				return
			}
			p.DataBlocks = uint64(len(test.want) / 4096)
			tree, wantRoot := modelTree(t, p, test.want)
			if err != nil || !bytes.Equal(root, wantRoot) || done.DataBlocks != p.DataBlocks {
				t.Fatalf("got root hash %x of %d blocks, %v; want %x of %d", root, done.DataBlocks, err, wantRoot, p.DataBlocks)
			}
			if len(tree) > 0 && !bytes.Equal(hash.b[4096:], tree) {
				t.Error("tree differs from the model")
			}
		})
	}
}

func TestWriterAfterFinish(t *testing.T) {
	t.Parallel()
	p := params(0)
	w := newWriter(t, new(memory), p, WriterOptions{})
	p.Salt[0] ^= 1 // the writer has its own copy
	if err := stream(w, pattern(2*4096, 1), 4096); err != nil {
		t.Fatal(err)
	}
	root, done, err := w.Finish(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, want := modelTree(t, params(2), pattern(2*4096, 1)); !bytes.Equal(root, want) {
		t.Errorf("root hash: got %x, want %x", root, want)
	}
	done.Salt[1] ^= 1
	if n, err := w.Write([]byte{1}); n != 0 || !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after finish: got %d, %v, want ErrClosed", n, err)
	}
	if _, _, err := w.Finish(context.Background()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("finish twice: got %v, want ErrClosed", err)
	}
}

func TestWriterRefusesParameters(t *testing.T) {
	t.Parallel()
	bad := params(0)
	bad.HashBlockSize = 1000
	overflow := params(1 << 60)
	start := params(0)
	start.HashStartBlock = 1 << 52
	last := params(0)
	last.HashStartBlock = 1<<51 - 1
	for name, try := range map[string]func() (*Writer, error){
		"block size": func() (*Writer, error) { return NewWriter(new(memory), bad) },
		"overflow":   func() (*Writer, error) { return NewWriter(new(memory), overflow) },
		"hash start": func() (*Writer, error) { return NewWriter(new(memory), start) },
		"no room":    func() (*Writer, error) { return NewWriter(new(memory), last) },
		"tail": func() (*Writer, error) {
			return NewWriterWithOptions(new(memory), params(0), WriterOptions{Tail: 3})
		},
	} {
		if w, err := try(); w != nil || !errors.Is(err, ErrBadParams) {
			t.Errorf("%s: got %v, %v, want ErrBadParams", name, w, err)
		}
	}
}

func TestWriterDeviceErrors(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	small := Params{HashType: 1, Algorithm: "sha256", DataBlockSize: 512, HashBlockSize: 512}
	data := pattern(40000*512, 2)
	const level0 = 157 + 10 + 1 // blocks above level 0, which has 2500
	for name, test := range map[string]struct {
		ctx  context.Context
		hash ReadWriterAt
		want error
	}{
		"cancelled":         {ended, new(memory), context.Canceled},
		"writing at once":   {context.Background(), &failing{new(memory), 3000}, errMedium},
		"moving, writing":   {context.Background(), &failing{new(memory), (level0+2500)*512 - 1}, errMedium},
		"moving, reading":   {context.Background(), &readFailing{memory: new(memory), at: 512 * 50}, errMedium},
		"upper, reading":    {context.Background(), &readFailing{memory: new(memory), at: (level0 + 2499) * 512}, errMedium},
		"cancelled at last": {&endsLate{Context: context.Background(), after: 1}, new(memory), context.Canceled},
		"cancelled moving":  {&endsLate{Context: context.Background(), after: 2}, new(memory), context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t, test.hash, small, WriterOptions{})
			err := stream(w, data, 1<<20)
			root, _, finishErr := w.Finish(test.ctx)
			if root != nil || !errors.Is(finishErr, test.want) || err != nil && !errors.Is(err, test.want) {
				t.Errorf("got %x, %v then %v, want %v", root, err, finishErr, test.want)
			}
		})
	}
}

// readFailing is a device that takes everything and cannot read one byte.
type readFailing struct {
	*memory
	at int64
}

func (f *readFailing) ReadAt(p []byte, off int64) (int, error) {
	return (&failing{f.memory, f.at}).ReadAt(p, off)
}

// endsLate is a context that ends after it was asked some times.
type endsLate struct {
	context.Context
	after int
}

func (c *endsLate) Err() error {
	if c.after--; c.after < 0 {
		return context.Canceled
	}
	return nil
}
