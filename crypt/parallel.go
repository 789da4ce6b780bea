package crypt

import (
	"sync"
	"sync/atomic"
)

// chunkSize is how much of a large call one worker takes at a time, in bytes: a
// multiple of every sector size, small enough to stay in a second-level cache
// between I/O and cipher.
const chunkSize = 128 << 10

// chunkBuffer takes the ciphertext of a chunk before it is written.
type chunkBuffer [chunkSize]byte

var chunkBuffers = sync.Pool{New: func() any { return new(chunkBuffer) }}

// chunkFunc reads or writes the whole sectors p at off and returns how many
// bytes at the front of p were done, with an error if not all.
type chunkFunc func(d *Device, p []byte, off int64) (int, error)

// inParallel cuts p into chunks that the caller and as many helpers as are free
// work on. The device has GOMAXPROCS-1 helpers in all, so that concurrent large
// calls do not multiply goroutines. The result is that of the first chunk in
// order that failed; chunks behind it may have been written already.
func (d *Device) inParallel(p []byte, off int64, chunk chunkFunc) (int, error) {
	t := transfer{device: d, p: p, off: off, chunk: chunk}
	t.failed.Store(int64(len(p)))
	var wg sync.WaitGroup
	for range len(p)/chunkSize - 1 {
		select {
		case d.helpers <- struct{}{}:
			wg.Go(func() {
				t.work()
				<-d.helpers
			})
			continue
		default:
		}
		break
	}
	t.work()
	wg.Wait()
	if t.err != nil {
		return t.done, t.err
	}
	return len(p), nil
}

// transfer is a large call in progress.
type transfer struct {
	device *Device
	p      []byte
	off    int64
	chunk  chunkFunc

	next   atomic.Int64 // start in p of the next chunk to take
	failed atomic.Int64 // start in p of the first chunk that failed; len(p) if none

	mu   sync.Mutex
	done int   // bytes before the failure in chunk failed
	err  error // of chunk failed
}

// work takes chunks until none is left before the first failure.
func (t *transfer) work() {
	for {
		start := t.next.Add(chunkSize) - chunkSize
		if start >= t.failed.Load() {
			return
		}
		piece := t.p[start:min(start+chunkSize, int64(len(t.p)))]
		if n, err := t.chunk(t.device, piece, t.off+start); err != nil {
			t.fail(start, int(start)+n, err)
		}
	}
}

// fail records a failure unless one of an earlier chunk is known.
func (t *transfer) fail(start int64, done int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if start < t.failed.Load() {
		t.failed.Store(start)
		t.done, t.err = done, err
	}
}
