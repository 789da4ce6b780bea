package volume

import "github.com/dmimg/dmimg/tables"

// linear maps to a run of one device: device byte = offset + byte of the
// target (Linux, Documentation/admin-guide/device-mapper/linear.rst).
type linear struct {
	limits
	device Backend
	offset int64
}

func openLinear(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.LinearTable](t)
	if err != nil {
		return nil, err
	}
	return newLinear(env, table.BackendDevice, table.BackendOffset, table.Length)
}

func newLinear(env Env, name string, offset, length uint64) (*linear, error) {
	b, err := area(env, name, offset, length)
	if err != nil {
		return nil, err
	}
	return &linear{limitsOf(b), b, int64(offset)}, nil
}

func (e *linear) ReadAt(p []byte, off int64) (int, error) { return e.device.ReadAt(p, e.offset+off) }

func (e *linear) WriteAt(p []byte, off int64) (int, error) { return e.device.WriteAt(p, e.offset+off) }

// Extents passes on the holes of the device.
func (e *linear) Extents(off, length int64) ([]Extent, error) {
	x, ok := e.device.(Extenter)
	if !ok {
		return whole(off, length), nil
	}
	list, err := x.Extents(e.offset+off, length)
	for i := range list {
		list[i].Offset -= e.offset
	}
	return list, err
}

// Discard passes down.
func (e *linear) Discard(off, length int64) error { return discard(e.device, e.offset+off, length) }

// Unreadable passes on what the device knows.
func (e *linear) Unreadable(off int64) int64 { return unreadable(e.device, e.offset+off) }
