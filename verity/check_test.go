package verity

import (
	"context"
	"testing"
)

func TestCheckGood(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newImage(t, p)
			r, err := Check(context.Background(), i.data, i.hash, i.p, i.root)
			if err != nil {
				t.Fatal(err)
			}
			if !r.OK() {
				t.Errorf("sound image: got %+v, want OK", r)
			}
		})
	}
}
