package verity

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
)

// recoverer has a RecoverFunc that knows the original.
type recoverer struct {
	mu       sync.Mutex
	original []byte         // covered blocks
	lost     map[uint64]int // blocks that it cannot give, and how often it was asked
	err      error
}

func (r *recoverer) recover(b []byte, block uint64, _ func(uint64, []byte) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := uint64(len(b))
	if _, lost := r.lost[block]; lost {
		r.lost[block]++
		return r.err
	}
	copy(b, r.original[block*size:][:size])
	return nil
}

// recoverable is a tree of three levels with blocks that are damaged.
func recoverable(t *testing.T, damage ...uint64) (*recoverer, func() *Device) {
	t.Helper()
	const size, blocks = 512, 300
	p := Params{HashType: 1, Algorithm: "sha256", DataBlockSize: size, HashBlockSize: size, DataBlocks: blocks, Jobs: 1}
	data, hash := &memory{b: pattern(blocks*size, 5)}, new(memory)
	root, err := Build(context.Background(), data, hash, p)
	if err != nil {
		t.Fatal(err)
	}
	r := &recoverer{original: append(bytes.Clone(data.b), hash.b...), lost: map[uint64]int{}, err: ErrLost}
	damaged := bytes.Clone(r.original)
	for _, b := range damage {
		damaged[b*size+7] ^= 1
	}
	copy(data.b, damaged)
	copy(hash.b, damaged[blocks*size:])
	return r, func() *Device {
		d, err := NewDeviceWithOptions(data, hash, p, root, DeviceOptions{Recover: r.recover})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
}

// top is the covered block that the root hash is of.
const top = 300

// TestRecoverOnce: a tree block that is lost is not tried again for every block below
// it, unless that could help.
func TestRecoverOnce(t *testing.T) {
	t.Parallel()
	failed := errors.New("parity cannot be read")
	for _, c := range []struct {
		err  error
		want int
	}{{ErrLost, 1}, {failed, 20}} {
		r, device := recoverable(t, top)
		r.lost[top], r.err = 0, c.err
		d := device()
		for i := range 20 {
			var corrupt *CorruptError
			if _, err := d.ReadAt(make([]byte, 512), int64(i)*512); !errors.As(err, &corrupt) || corrupt.Level != 2 {
				t.Fatalf("block %d: %v, want damage on level 2", i, err)
			}
		}
		if r.lost[top] != c.want {
			t.Errorf("%v: tried %d times, want %d", c.err, r.lost[top], c.want)
		}
		if !d.Status().Corrupted {
			t.Error("the status does not tell of the damage")
		}
	}
}

// TestShouldBeZero asks the tree about zeros.
func TestShouldBeZero(t *testing.T) {
	t.Parallel()
	p := params(10)
	data, hash := &memory{b: pattern(10*4096, 3)}, new(memory)
	clear(data.b[3*4096 : 4*4096])
	root, err := Build(context.Background(), data, hash, p)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDevice(data, hash, p, root)
	if err != nil {
		t.Fatal(err)
	}
	data.b[3*4096] = 1
	for block := range uint64(12) {
		if got := d.ShouldBeZero(block); got != (block == 3) {
			t.Errorf("block %d: %t", block, got)
		}
	}
	hash.b[5000] ^= 1
	if d, _ = NewDevice(data, hash, p, root); d.ShouldBeZero(3) {
		t.Error("a damaged tree proves that a block is zero")
	}
}
