package luks

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"
)

// How long is measured.
const (
	samples    = 3                     // of PBKDF2; the fastest counts, the others were disturbed
	sampleTime = 50 * time.Millisecond // at least, each

	firstMemory = 1 << 10 // KiB: where measuring Argon2 begins
	enoughPart  = 4       // a measurement of this part of the time asked for is enough
	maxGrowth   = 16      // from one measurement to the next
)

// Benchmark makes a cost definite for a key of keySize bytes in a header of the version: the
// result has Iterations, Memory and Parallel. PBKDF2 gets as many iterations as one core
// does in Time, with the blocks of the key one after the other as cryptsetup makes them, at
// least 1000. Argon2 gets four passes and as much memory as Time allows, and more passes
// once all of Memory is used. On Linux processor time is measured, so that a busy machine
// does not make keys weak. It takes less than Time and ends early with ctx. Errors wrap
// [ErrOption] or [ErrUnsupported], or are that of ctx.
func (c Cost) Benchmark(ctx context.Context, version int, keySize int) (Cost, error) {
	c, err := c.benchmark(ctx, version, keySize)
	if err != nil {
		return c, fmt.Errorf("luks: measuring a cost: %w", err)
	}
	return c, nil
}

func (c Cost) benchmark(ctx context.Context, version, keySize int) (Cost, error) {
	c, err := c.settled(version)
	if err != nil || c.Iterations != 0 {
		return c, err
	}
	if keySize < 1 || keySize > maxKey1 {
		return c, option("a key of %d bytes: want 1 to %d", keySize, maxKey1)
	}
	if c.Type == kdfPBKDF2 {
		c.Iterations, err = c.pbkdf2Iterations(ctx, keySize, c.Time)
		return c, err
	}
	return c.argon2Cost(ctx, keySize)
}

// pbkdf2Iterations is how many iterations take as long as given for a key of keySize bytes.
func (c Cost) pbkdf2Iterations(ctx context.Context, keySize int, given time.Duration) (int64, error) {
	a, err := lookupHash(c.Hash)
	if err != nil {
		return 0, err
	}
	block, salt := make([]byte, a.Size), make([]byte, salt2)
	n, rate := uint32(probeIterations), 0.0
	for done := 0; done < samples; {
		took := onThread(func() { pbkdf2Block(ctx, a, []byte("benchmark"), salt, n, 1, block) })
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if took < sampleTime && n < math.MaxUint32/maxGrowth {
			n = grown(n, took, sampleTime)
			continue
		}
		rate = max(rate, float64(n)/took.Seconds())
		done++
	}
	blocks := (keySize + a.Size - 1) / a.Size
	iterations := rate * given.Seconds() / float64(blocks)
	return int64(min(max(iterations, minIterations), math.MaxUint32)), nil
}

// onThread is how much time work takes on one thread: of the processor if that is known.
func onThread(work func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	before, known := threadTime()
	work()
	took := time.Since(start)
	if after, ok := threadTime(); known && ok && after > before {
		took = min(took, after-before)
	}
	return took
}

// onLanes is how much time work takes on so many threads that all have something to do.
// Other work of this process counts, but never makes more than the time that passed.
func onLanes(lanes int64, work func()) time.Duration {
	start := time.Now()
	before, known := processTime()
	work()
	took := time.Since(start)
	if after, ok := processTime(); known && ok && after > before {
		took = min(took, (after-before)/time.Duration(min(lanes, int64(runtime.GOMAXPROCS(0)))))
	}
	return took
}

// grown is how much work takes want, if n of it took so long.
func grown(n uint32, took, want time.Duration) uint32 {
	times := 1.1 * want.Seconds() / max(took.Seconds(), 1e-9)
	return uint32(float64(n) * min(max(times, 1.1), maxGrowth))
}

// argon2Cost finds memory and passes. Little memory is measured first: caches make that too
// fast to go by, so that the measurement grows until it is a fair part of what is asked for.
func (c Cost) argon2Cost(ctx context.Context, keySize int) (Cost, error) {
	k := KDF{Type: c.Type, Salt: make([]byte, salt2), Time: minPasses, Memory: min(firstMemory, c.Memory), CPUs: c.Parallel}
	key := make([]byte, keySize)
	var took time.Duration
	for {
		var err error
		if took = onLanes(k.CPUs, func() { err = k.derive(ctx, []byte("benchmark"), key) }); err != nil {
			return c, err
		}
		runtime.GC() // or the memory of several runs adds up
		if took*enoughPart >= c.Time || k.Memory == c.Memory && took*maxGrowth >= c.Time {
			break
		}
		want := c.Time / enoughPart
		if k.Memory < c.Memory {
			k.Memory = min(c.Memory, int64(grown(uint32(k.Memory), took, want)))
		} else {
			k.Time = int64(grown(uint32(k.Time), took, want))
		}
		if k.Time > math.MaxUint32/maxGrowth {
			break
		}
	}
	work := float64(k.Memory) * float64(k.Time) * c.Time.Seconds() / max(took.Seconds(), 1e-9)
	c.Memory = int64(min(max(work/minPasses, minMemory), float64(c.Memory)))
	c.Iterations = int64(min(max(work/float64(c.Memory), minPasses), math.MaxUint32))
	return c, nil
}
