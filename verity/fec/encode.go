package fec

import (
	"context"
	"fmt"
	"io"
)

// Encode writes the parity of the covered stream, Blocks × BlockSize bytes of
// src from offset 0 (see [Area.Stream]), to dst at byte off: ParityBytes
// bytes, byte for byte those of veritysetup. Nothing else of dst is touched.
//
// It reads every covered byte once, in pieces that lie Rounds × BlockSize
// apart and are whole blocks if those have at most 4096 bytes, and none of the
// holes if src is a [HoleFinder]; it needs less than 32 MiB for any size of
// image. Reads and writes happen from several goroutines
// at once; neither src nor dst is closed. src and dst may be the same file, as
// the areas do not overlap.
//
// A src that ends early is io.ErrUnexpectedEOF. When ctx ends, so does Encode,
// with the cause of ctx; the parity area is then partly written. Impossible
// parameters wrap [ErrBadParams].
func Encode(ctx context.Context, src io.ReaderAt, dst io.WriterAt, off int64, p Params) error {
	if err := p.checkArea(off); err != nil {
		return err
	}
	return p.eachStrip(ctx, src, func(s *strip, column int64, n int) error {
		out := s.parity[:n*p.Roots]
		at := off + column*int64(p.Roots)
		if _, err := dst.WriteAt(out, at); err != nil {
			return fmt.Errorf("fec: writing %d bytes of parity at offset %d: %w", len(out), at, err)
		}
		return nil
	})
}
