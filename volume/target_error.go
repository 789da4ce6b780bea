package volume

import (
	"math"

	"github.com/dmimg/dmimg/tables"
)

// failing is the error target: every access fails with EIO in the kernel and
// [ErrIO] here. The device that its table may name is only asked for limits by
// the kernel, never read, so it is not opened.
type failing struct{}

func openError(_ Env, t tables.Table) (Engine, error) {
	_, err := as[tables.ErrorTable](t)
	return failing{}, err
}

func (failing) ReadAt([]byte, int64) (int, error)  { return 0, ErrIO }
func (failing) WriteAt([]byte, int64) (int, error) { return 0, ErrIO }
func (failing) Discard(_, _ int64) error           { return ErrIO }

// Unreadable: all of it.
func (failing) Unreadable(int64) int64 { return math.MaxInt64 }
