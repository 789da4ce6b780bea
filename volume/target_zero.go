package volume

import "github.com/dmimg/dmimg/tables"

// zero reads as zeros and loses what is written (Linux,
// Documentation/admin-guide/device-mapper/zero.rst).
type zero struct{}

func openZero(_ Env, t tables.Table) (Engine, error) {
	_, err := as[tables.ZeroTable](t)
	return zero{}, err
}

// ReadAt clears p: whatever the caller had in it must not pass for data.
func (zero) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func (zero) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// Extents: all is a hole.
func (zero) Extents(_, _ int64) ([]Extent, error) { return nil, nil }

// Discard is lost, like a write.
func (zero) Discard(_, _ int64) error { return nil }
