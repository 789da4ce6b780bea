package volume

import (
	"github.com/dmimg/dmimg/tables"
)

// delay reads through one mapping and writes through another; a third one is
// for flushes (Linux, Documentation/admin-guide/device-mapper/delay.rst). The
// delays themselves change no byte and are left out: nobody waits for an image
// on purpose. Sync of the volume flushes all devices, the third among them.
type delay struct {
	limits
	read, write *linear
}

func openDelay(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.DelayTable](t)
	if err != nil {
		return nil, err
	}
	read, err := newLinear(env, table.ReadDevice, table.ReadOffset, table.Length)
	if err != nil {
		return nil, err
	}
	write, flush := read, read
	if table.WriteDevice != "" {
		if write, err = newLinear(env, table.WriteDevice, table.WriteOffset, table.Length); err != nil {
			return nil, err
		}
		flush = write
	}
	if table.FlushDevice != "" {
		if flush, err = newLinear(env, table.FlushDevice, table.FlushOffset, table.Length); err != nil {
			return nil, err
		}
	}
	return &delay{limitsOf(read, write, flush), read, write}, nil
}

func (e *delay) ReadAt(p []byte, off int64) (int, error)  { return e.read.ReadAt(p, off) }
func (e *delay) WriteAt(p []byte, off int64) (int, error) { return e.write.WriteAt(p, off) }

// Extents passes on the holes of the device that is read.
func (e *delay) Extents(off, length int64) ([]Extent, error) { return e.read.Extents(off, length) }

// Discard goes where writes go.
func (e *delay) Discard(off, length int64) error { return e.write.Discard(off, length) }
