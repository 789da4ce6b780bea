package volume

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// parallelMin is the smallest read or write, in bytes, that is shared out
	// between cores: below it starting a goroutine costs more than it saves.
	parallelMin = 256 << 10
	// pieceMin and pieceMax bound the pieces, in bytes: large enough for the
	// bulk code of the engines, small enough to spread evenly and to be done by
	// an engine in one go, in a second-level cache.
	pieceMin = 64 << 10
	pieceMax = 128 << 10
)

// run moves all of p, which lies inside the volume: at once if it is small, on
// all cores if it is large.
func (m *Mapped) run(p []byte, off int64, write bool) (int, error) {
	workers := runtime.GOMAXPROCS(0)
	if len(p) < parallelMin || workers == 1 {
		return m.serial(p, off, write)
	}
	j := &job{m: m, p: p, off: off, write: write, piece: pieceSize(len(p), workers, int64(m.unit.block))}
	return j.run(min(workers, len(p)/int(j.piece)+1))
}

// pieceSize cuts n bytes into a few pieces for each worker, none of which cuts
// a block.
func pieceSize(n, workers int, block int64) int64 {
	size := int64(n) / int64(4*workers)
	step := max(block, pieceMin)
	return max(step, min(size-size%step, pieceMax))
}

// job is one large read or write, cut into pieces at multiples of piece.
type job struct {
	m     *Mapped
	p     []byte
	off   int64
	piece int64
	write bool

	next atomic.Int64 // the piece to be taken next

	mu     sync.Mutex
	failed bool
	done   int   // good bytes before the lowest failure
	err    error // that failure
}

// run lets workers goroutines, this one among them, take pieces in order until
// all are done or one has failed. Pieces before a failed one were taken before
// it, so the lowest failure is always found.
func (j *job) run(workers int) (int, error) {
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(j.work)
	}
	j.work()
	wg.Wait()
	if j.failed {
		return j.done, j.err
	}
	return len(j.p), nil
}

func (j *job) work() {
	first := j.off / j.piece
	for !j.stopped() {
		i := first + j.next.Add(1) - 1
		from := max(i*j.piece-j.off, 0)
		to := min((i+1)*j.piece-j.off, int64(len(j.p)))
		if from >= to {
			return
		}
		n, err := j.m.serial(j.p[from:to], j.off+from, j.write)
		if err != nil {
			j.fail(int(from)+n, err)
			return
		}
	}
}

func (j *job) stopped() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}

func (j *job) fail(done int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.failed || done < j.done {
		j.failed, j.done, j.err = true, done, err
	}
}
