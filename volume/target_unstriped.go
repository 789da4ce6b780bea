package volume

import (
	"fmt"
	"math"

	"github.com/dmimg/dmimg/tables"
)

// unstriped picks one stripe out of a striped device: byte off of chunk c lies
// (c*n + stripe) chunks after the start (Linux,
// Documentation/admin-guide/device-mapper/unstriped.rst). As the kernel does,
// it asks of the device only that it is as long as the target; where the stripe
// itself runs past the end, access fails.
type unstriped struct {
	limits
	device Backend
	chunk  int64
	skip   int64 // bytes of the other stripes between two chunks
	first  int64 // byte of the device where the stripe starts
	end    int64 // size of the device
}

func openUnstriped(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.UnstripedTable](t)
	if err != nil {
		return nil, err
	}
	n, chunk, stripe := table.NumStripes, table.ChunkSize, table.StripeNum
	if n == 0 || chunk == 0 || stripe >= n && n > 1 || table.Length == 0 || table.Length%chunk != 0 {
		return nil, fmt.Errorf("stripe %d of %d, %d bytes in chunks of %d: %w", stripe, n, table.Length, chunk, tables.ErrInvalid)
	}
	chunks, ok1 := mulAdd(table.Length/chunk-1, n, stripe) // before the last one used
	need, ok2 := mulAdd(chunks, chunk, chunk)
	end, ok3 := mulAdd(1, table.Offset, need)
	if !ok1 || !ok2 || !ok3 || end > math.MaxInt64 {
		return nil, fmt.Errorf("stripe %d of %d, %d bytes in chunks of %d: %w", stripe, n, table.Length, chunk, ErrDeviceTooSmall)
	}
	b, err := area(env, table.Device, table.Offset, table.Length)
	if err != nil {
		return nil, err
	}
	size, err := sizeFor(b, int64(end))
	if err != nil {
		return nil, err
	}
	e := &unstriped{
		limits: limitsOf(b),
		device: b,
		chunk:  int64(chunk),
		skip:   int64((n - 1) * chunk),
		first:  int64(table.Offset + stripe*chunk),
		end:    size,
	}
	return e, e.wantChunks(e.chunk)
}

// locate returns the byte of the device that holds byte off, and how many
// bytes follow up to the end of the chunk or of the device.
func (e *unstriped) locate(off int64) (at, room int64) {
	at = e.first + off + off/e.chunk*e.skip
	return at, min(e.chunk-off%e.chunk, e.end-at)
}

func (e *unstriped) ReadAt(p []byte, off int64) (int, error)  { return e.transfer(p, off, false) }
func (e *unstriped) WriteAt(p []byte, off int64) (int, error) { return e.transfer(p, off, true) }

func (e *unstriped) transfer(p []byte, off int64, write bool) (int, error) {
	for done := 0; done < len(p); {
		at, room := e.locate(off + int64(done))
		if room <= 0 {
			return done, errBeyond
		}
		n, err := transfer(e.device, upTo(p[done:], room), at, write)
		done += n
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}

// errBeyond is the kernel's EIO for access past the end of a device.
var errBeyond = fmt.Errorf("the stripe runs past the end of its device: %w", ErrIO)

// Discard passes down, chunk by chunk.
func (e *unstriped) Discard(off, length int64) error {
	for end := off + length; off < end; {
		at, room := e.locate(off)
		if room <= 0 {
			return errBeyond
		}
		n := min(room, end-off)
		if err := discard(e.device, at, n); err != nil {
			return err
		}
		off += n
	}
	return nil
}
