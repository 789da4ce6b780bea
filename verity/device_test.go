package verity

import (
	"bytes"
	"testing"
)

func TestDeviceGood(t *testing.T) {
	t.Parallel()
	for name, p := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newImage(t, p)
			d, err := NewDevice(i.data, i.hash, i.p, i.root)
			if err != nil {
				t.Fatal(err)
			}
			b := make([]byte, d.Size())
			if n, err := d.ReadAt(b, 0); n != len(b) || err != nil || !bytes.Equal(b, i.data.b) {
				t.Errorf("reading all: got %d, %v, want %d bytes", n, err, len(b))
			}
		})
	}
}
