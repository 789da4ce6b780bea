package verity

import (
	"bytes"
	"context"
	"testing"
)

func TestWriterEqualsModel(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		for _, known := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want := newImage(t, p)
				q := p
				if !known {
					q.DataBlocks = 0
				}
				var got memory
				w, err := NewWriter(&got, q)
				if err != nil {
					t.Fatal(err)
				}
				for b := want.data.b; len(b) > 0; {
					n, err := w.Write(b[:min(len(b), 7001)])
					if err != nil {
						t.Fatal(err)
					}
					b = b[n:]
				}
				root, done, err := w.Finish(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(root, want.root) {
					t.Errorf("root hash of %d blocks: got %x, want %x", p.DataBlocks, root, want.root)
				}
				if done.DataBlocks != p.DataBlocks {
					t.Errorf("blocks: got %d, want %d", done.DataBlocks, p.DataBlocks)
				}
				if !bytes.Equal(got.b, want.hash.b[:len(want.hash.b)]) && p.DataBlocks > 1 {
					t.Errorf("tree of %d blocks (known %v) differs from the model", p.DataBlocks, known)
				}
			})
		}
	}
}
