package volume

import (
	"errors"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/tables"
)

// salvage gets what can be got of a chunk whose read failed: it walks on block
// by block, in growing steps while that works.
type salvage struct {
	r   *rangeReader
	p   []byte // the chunk
	off int64  // its place in src
	bad []Extent
}

// run continues a read that gave n good bytes and err. It returns how many
// bytes of p are settled: all, or those before an error that ends the copy.
// Blocks that cannot be read are zeroed and listed, or with KeepGoing off are
// that error.
func (s *salvage) run(n int, err error) (int, error) {
	if err := s.cause(n, len(s.p), err); fatal(err) {
		return n, err
	}
	pos, _ := s.block(n)
	for step := 0; pos < len(s.p); {
		if err := s.r.ctx.Err(); err != nil {
			return pos, err
		}
		_, end := s.block(pos)
		if n := unreadable(s.r.src, s.off+int64(pos)); n > 0 && s.r.o.KeepGoing {
			pos = s.lose(pos, int(min(n, int64(len(s.p)-pos))))
			continue
		}
		to := min(max(end, pos+step), len(s.p))
		got, err := s.r.src.ReadAt(s.p[pos:to], s.off+int64(pos))
		if got == to-pos {
			step, pos = 2*(to-pos), to
			continue
		}
		if err = s.cause(pos, to, err); fatal(err) {
			return pos, err
		}
		step = 0
		if to > end { // look closer
			start, _ := s.block(pos + got)
			pos = max(pos, start)
			continue
		}
		if !s.r.o.KeepGoing {
			at := s.off + int64(pos)
			return pos, &RangeError{at, min(max(int64(end-pos), unreadable(s.r.src, at)), s.r.end-at), err}
		}
		pos = s.lose(pos, end-pos)
	}
	return pos, nil
}

// lose gives up n bytes at pos, and returns what follows.
func (s *salvage) lose(pos, n int) int {
	clear(s.p[pos : pos+n])
	s.bad = appendExtent(s.bad, Extent{s.off + int64(pos), int64(n)})
	return pos + n
}

// block returns the part of p, around its byte i, that fails as a whole.
func (s *salvage) block(i int) (start, end int) {
	at := s.off + int64(i)
	var e Extent
	if unit := int64(s.r.o.Unit); unit > 0 {
		e = Extent{at - at%unit, unit}
	} else {
		e = blockAt(s.r.src, at, tables.SectorSize)
	}
	return int(max(e.Offset-s.off, 0)), int(min(e.Offset+e.Length-s.off, int64(len(s.p))))
}

// cause is why a read of p[pos:to] gave too few bytes.
func (s *salvage) cause(pos, to int, err error) error {
	if err == nil {
		err = io.ErrNoProgress
	}
	if errors.Is(err, io.EOF) {
		err = errRange
	}
	if fatal(err) {
		return fmt.Errorf("volume: reading %d bytes at offset %d: %w", to-pos, s.off+int64(pos), err)
	}
	return err
}
