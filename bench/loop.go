package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// slice is how long one turn of a contestant lasts, of CPU time: long enough for
// the clock, short enough that most turns meet no interruption.
const slice = 2 * time.Millisecond

// loop is work in memory on one thread.
type loop struct {
	name        string
	contestants []contestant
	clock       func() time.Duration // nil: threadTime; processTime if a call starts goroutines
	wall        bool                 // the wall time counts too: how much sooner several cores are done
	turns       int                  // at most so many of each contestant; 0: as many as asked for
	length      time.Duration        // of a slice; 0: slice
	lacks       func(what string)    // is told of contestants that are not here; nil: nobody is
}

// errNotHere is wrapped by the error of a rate whose program is not on this
// machine, or cannot run on it: its row is left out.
var errNotHere = errors.New("not here")

// contestant is one implementation of a loop's work.
type contestant struct {
	name     string
	peer     bool
	baseline bool
	bytes    int64  // payload of one call
	call     func() // does the work once; nil: rate was measured elsewhere
	rate     func(context.Context) (bytesPerSecond float64, err error)
}

// turn is the best slice of a contestant so far.
type turn struct {
	calls int           // per slice
	best  time.Duration // CPU time of the quickest slice
	wall  time.Duration // the same, by itself
}

// measure lets the contestants take turns, rounds times each.
func (l loop) measure(ctx context.Context, rounds int) ([]Row, error) {
	if l.clock == nil {
		l.clock = threadTime
		runtime.LockOSThread() // the clock is the thread's
		defer runtime.UnlockOSThread()
	}
	if l.length == 0 {
		l.length = slice
	}
	if l.turns > 0 {
		rounds = min(rounds, l.turns)
	}
	turns := make([]turn, len(l.contestants))
	for i, c := range l.contestants {
		if c.call != nil {
			turns[i] = turn{calls: l.calibrate(c.call), best: 1 << 62, wall: 1 << 62}
		}
	}
	for range rounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, c := range l.contestants {
			if c.call != nil {
				cpu, wall := l.timeCalls(c.call, turns[i].calls)
				turns[i].best, turns[i].wall = min(turns[i].best, cpu), min(turns[i].wall, wall)
			}
		}
	}
	var rows []Row
	for i, c := range l.contestants {
		seconds := turns[i].best.Seconds() / float64(turns[i].calls)
		if c.call == nil {
			rate, err := c.rate(ctx)
			if errors.Is(err, errNotHere) {
				if l.lacks != nil {
					l.lacks(err.Error())
				}
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", l.name, c.name, err)
			}
			seconds = float64(c.bytes) / rate
		}
		row := Row{
			Workload: l.name, Implementation: c.name, Peer: c.peer, Baseline: c.baseline, Bytes: c.bytes,
			CPUSeconds: seconds, GBPerSecond: float64(c.bytes) / seconds / 1e9,
		}
		if l.wall {
			row.WallSeconds = turns[i].wall.Seconds() / float64(turns[i].calls)
			row.GBPerSecond = float64(c.bytes) / row.WallSeconds / 1e9
		}
		rows = append(rows, row)
	}
	return relate(rows), nil
}

// calibrate returns how many calls fill a slice.
func (l loop) calibrate(call func()) int {
	call() // caches, tables, first use
	for calls := 1; ; calls *= 2 {
		if took, _ := l.timeCalls(call, calls); took >= l.length/4 {
			return max(1, int(int64(calls)*int64(l.length)/int64(took)))
		}
	}
}

func (l loop) timeCalls(call func(), calls int) (cpu, wall time.Duration) {
	began, beganCPU := time.Now(), l.clock()
	for range calls {
		call()
	}
	return max(1, l.clock()-beganCPU), max(1, time.Since(began))
}
