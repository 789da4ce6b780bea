package volume

import (
	"fmt"

	"github.com/dmimg/dmimg/tables"
)

// striped deals chunks out to n devices in turn: chunk c lies on device
// c mod n, at chunk c div n (Linux,
// Documentation/admin-guide/device-mapper/striped.rst). A chunk may be any
// number of sectors, not only a power of two.
type striped struct {
	limits
	chunk   int64
	stripes []*linear
}

func openStriped(env Env, t tables.Table) (Engine, error) {
	table, err := as[tables.StripeTable](t)
	if err != nil {
		return nil, err
	}
	n, chunk := uint64(len(table.Devices)), table.ChunkSize
	if n == 0 || chunk == 0 || table.Length%n != 0 || table.Length/n%chunk != 0 {
		return nil, fmt.Errorf("%d bytes in %d stripes of %d-byte chunks: %w", table.Length, n, chunk, tables.ErrInvalid)
	}
	e := &striped{chunk: int64(chunk)}
	for _, d := range table.Devices {
		s, err := newLinear(env, d.Device, d.Offset, table.Length/n)
		if err != nil {
			return nil, err
		}
		e.stripes = append(e.stripes, s)
		e.limits = limitsOf(e.limits, s)
	}
	return e, e.wantChunks(e.chunk)
}

// locate returns the stripe that holds byte off, the byte inside it, and how
// many bytes follow up to the end of the chunk.
func (e *striped) locate(off int64) (s *linear, at, room int64) {
	c, r := off/e.chunk, off%e.chunk
	n := int64(len(e.stripes))
	return e.stripes[c%n], c/n*e.chunk + r, e.chunk - r
}

func (e *striped) ReadAt(p []byte, off int64) (int, error)  { return e.transfer(p, off, false) }
func (e *striped) WriteAt(p []byte, off int64) (int, error) { return e.transfer(p, off, true) }

func (e *striped) transfer(p []byte, off int64, write bool) (int, error) {
	for done := 0; done < len(p); {
		s, at, room := e.locate(off + int64(done))
		n, err := transfer(s, upTo(p[done:], room), at, write)
		done += n
		if err != nil {
			return done, err
		}
	}
	return len(p), nil
}

// Discard passes down, chunk by chunk.
func (e *striped) Discard(off, length int64) error {
	for end := off + length; off < end; {
		s, at, room := e.locate(off)
		n := min(room, end-off)
		if err := s.Discard(at, n); err != nil {
			return err
		}
		off += n
	}
	return nil
}
