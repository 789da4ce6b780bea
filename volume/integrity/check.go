package integrity

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// Damage is a run of blocks that [Device.Check] could not read.
type Damage struct {
	Offset, Length int64 // bytes of the data
	// Corrupt says that the blocks do not fit their tags; otherwise the storage
	// failed.
	Corrupt bool
}

// checkPiece is what one worker reads at a time, in bytes.
const checkPiece = 1 << 20

// Check reads all blocks with so many goroutines and returns the damaged ones, in
// order, neighbours together. progress is told how many bytes more were read; it
// may be nil, and is called from all of them. The error is one that makes going on
// pointless, such as [ErrJournal].
func (d *Device) Check(ctx context.Context, workers int, progress func(n int64)) ([]Damage, error) {
	c := checker{d: d, progress: progress}
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() { c.work(ctx) })
	}
	wg.Wait()
	return c.joined(), c.err
}

// checker is one run of Check.
type checker struct {
	d        *Device
	progress func(int64)
	next     atomic.Int64 // the piece to be read next

	mu    sync.Mutex
	found []Damage
	err   error
}

func (c *checker) work(ctx context.Context) {
	b := make([]byte, checkPiece)
	for !c.failed(ctx.Err()) {
		off := (c.next.Add(1) - 1) * checkPiece
		if off >= c.d.Size() {
			return
		}
		n := min(checkPiece, c.d.Size()-off)
		if c.failed(c.piece(b[:n], off)) {
			return
		}
		if c.progress != nil {
			c.progress(n)
		}
	}
}

// failed notes an error that ends the check.
func (c *checker) failed(err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	return c.err != nil
}

// piece reads one piece, past all damage.
func (c *checker) piece(b []byte, off int64) error {
	block := c.d.BlockSize
	for len(b) > 0 {
		n, err := c.d.ReadAt(b, off)
		b, off = b[n:], off+int64(n)
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrJournal) {
			return err
		}
		if n == 0 && !errors.Is(err, ErrCorrupt) && len(b) > block { // which of them it is
			for i := 0; i < len(b); i += block {
				if err := c.piece(b[i:i+block], off+int64(i)); err != nil {
					return err
				}
			}
			return nil
		}
		if n == 0 || errors.Is(err, ErrCorrupt) {
			c.add(Damage{off, int64(block), errors.Is(err, ErrCorrupt)})
			b, off = b[block:], off+int64(block)
		}
	}
	return nil
}

func (c *checker) add(x Damage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.found); n > 0 && c.found[n-1].Corrupt == x.Corrupt && c.found[n-1].Offset+c.found[n-1].Length == x.Offset {
		c.found[n-1].Length += x.Length
		return
	}
	c.found = append(c.found, x)
}

// joined sorts what was found and joins neighbours.
func (c *checker) joined() (list []Damage) {
	slices.SortFunc(c.found, func(a, b Damage) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, x := range c.found {
		if n := len(list); n > 0 && list[n-1].Corrupt == x.Corrupt && list[n-1].Offset+list[n-1].Length == x.Offset {
			list[n-1].Length += x.Length
			continue
		}
		list = append(list, x)
	}
	return list
}
