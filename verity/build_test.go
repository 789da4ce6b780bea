package verity

import (
	"bytes"
	"context"
	"testing"
)

func TestBuildEqualsModel(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		for _, jobs := range []int{1, 3} {
			p.Jobs = jobs
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want := newImage(t, p)
				var got memory
				root, err := Build(context.Background(), want.data, &got, p)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(root, want.root) {
					t.Errorf("root hash of %d blocks: got %x, want %x", p.DataBlocks, root, want.root)
				}
				if !bytes.Equal(got.b, want.hash.b[:len(want.hash.b)]) && p.DataBlocks > 1 {
					t.Errorf("tree of %d blocks differs from the model", p.DataBlocks)
				}
			})
		}
	}
}
