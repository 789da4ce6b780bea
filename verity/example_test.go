package verity_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/verity"
)

// file is a file in memory, of fixed size.
type file []byte

func (f file) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(f).ReadAt(p, off) }
func (f file) WriteAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(len(f)) {
		return 0, io.ErrShortWrite
	}
	return copy(f[off:], p), nil
}

// Make a tree, damage a byte, find it again.
func Example() {
	data := make(file, 300*4096)
	copy(data[100*4096:], "hello")
	p := verity.Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096,
		DataBlocks: 300, Salt: []byte("pinch"),
	}
	l, err := verity.NewLayout(p)
	if err != nil {
		fmt.Println(err)
		return
	}
	hash := make(file, l.HashEndOffset())
	root, err := verity.Build(context.Background(), data, hash, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d levels, %d hash blocks\n", l.Levels(), l.HashBlocks())

	data[100*4096] = 'j'
	report, err := verity.Check(context.Background(), data, hash, p, root)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sound:", report.OK(), "damaged data blocks:", report.Data)

	dev, err := verity.NewDevice(data, hash, p, root)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = dev.ReadAt(make([]byte, 5), 100*4096)
	fmt.Println(err, errors.Is(err, verity.ErrCorrupt))
	// Output:
	// 2 levels, 4 hash blocks
	// sound: false damaged data blocks: [{100 100}]
	// verity: data block 100 is corrupted true
}

// Hash what streams through, of a length not known before.
func ExampleWriter() {
	stream := io.LimitReader(bytes.NewReader(make([]byte, 10*4096+1)), 10*4096+1)
	hash := make(file, 64*4096)
	w, err := verity.NewWriterWithOptions(hash, verity.Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096, HashStartBlock: 1,
	}, verity.WriterOptions{Tail: verity.TailPad})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := io.Copy(w, stream); err != nil {
		fmt.Println(err)
		return
	}
	root, p, err := w.Finish(context.Background())
	fmt.Printf("%d blocks, root hash %x…, %v\n", p.DataBlocks, root[:4], err)
	// Output:
	// 11 blocks, root hash 9df5efb5…, <nil>
}
