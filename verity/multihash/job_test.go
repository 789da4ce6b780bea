//go:build (amd64 || arm64) && !purego

package multihash

import (
	"testing"
	"unsafe"
)

// TestJobLayout checks the places that assembly counts on; that of arm64, written by
// hand, has them as numbers.
func TestJobLayout(t *testing.T) {
	t.Parallel()
	var (
		p phase
		j pieceJob
		l lineJob
	)
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"phase", unsafe.Sizeof(p), 40},
		{"phase.offset", unsafe.Offsetof(p.offset), 8},
		{"phase.lane", unsafe.Offsetof(p.lane), 16},
		{"phase.count", unsafe.Offsetof(p.count), 24},
		{"phase.ahead", unsafe.Offsetof(p.ahead), 32},
		{"job.phases", unsafe.Offsetof(j.phases), 0},
		{"job.live", unsafe.Offsetof(j.live), 160},
		{"job.resume", unsafe.Offsetof(j.resume), 168},
		{"job.finish", unsafe.Offsetof(j.finish), 176},
		{"job.block", unsafe.Offsetof(j.block), 184},
		{"job.state", unsafe.Offsetof(j.state), 192},
		{"pieceJob.head", unsafe.Offsetof(j.head), 256},
		{"pieceJob.tail", unsafe.Offsetof(j.tail), 264},
		{"pieceJob.states", unsafe.Offsetof(j.states), 272},
		{"lineJob.digest", unsafe.Offsetof(l.digest), 256},
		{"lineJob.window", unsafe.Offsetof(l.window), 264},
		{"lineJob.head", unsafe.Offsetof(l.head), 272},
		{"lineJob.states", unsafe.Offsetof(l.states), 400},
		{"lineJob.before", unsafe.Offsetof(l.before), 912},
		{"lane", unsafe.Sizeof(lane{}), 128},
	} {
		if c.got != c.want {
			t.Errorf("%s is at %d, want %d", c.name, c.got, c.want)
		}
	}
}
