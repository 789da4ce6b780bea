package volume

import (
	"bytes"
	"fmt"
	"io"
)

// zeroBlock is the unit in bytes in which [SparseWriter] looks for zeros: the
// block of common file systems, below which a hole saves nothing.
const zeroBlock = 4096

var noData [zeroBlock]byte

// SparseWriter writes to a new, empty file and leaves holes where the data is
// zero. It is a [HoleWriter]. Not for concurrent use.
type SparseWriter struct {
	f    SparseFile
	off  int64
	done bool // the file is as long as off
}

// SparseFile is what [NewSparseWriter] needs of a file; *os.File has it.
type SparseFile interface {
	io.WriterAt
	Truncate(size int64) error
}

// NewSparseWriter returns a writer that starts at the beginning of f, which
// must be empty. Call [SparseWriter.Finish] after the last write. f stays the
// caller's.
func NewSparseWriter(f SparseFile) *SparseWriter { return &SparseWriter{f: f} }

// Write adds p.
func (w *SparseWriter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		zeros, data := splitZeros(p[done:], w.off)
		if err := w.WriteHole(int64(zeros)); err != nil {
			return done, err
		}
		done += zeros
		if data == 0 {
			break
		}
		n, err := w.f.WriteAt(p[done:done+data], w.off)
		w.off += int64(n)
		done += n
		if err != nil {
			return done, err
		}
		w.done = true
	}
	return len(p), nil
}

// splitZeros says with how many zero bytes p, which belongs at byte at, starts, in
// whole blocks of the file, and how many bytes to write follow up to the next zero
// block.
func splitZeros(p []byte, at int64) (zeros, data int) {
	block := func(i int) []byte { return upTo(p[i:], zeroBlock-(at+int64(i))%zeroBlock) }
	for zeros < len(p) && isZero(block(zeros)) {
		zeros += len(block(zeros))
	}
	end := zeros
	for end < len(p) && !isZero(block(end)) {
		end += len(block(end))
	}
	return zeros, end - zeros
}

// writeSparse writes p at byte at of a file that reads as zeros there, without its
// zero blocks.
func writeSparse(f io.WriterAt, p []byte, at int64) error {
	for len(p) > 0 {
		zeros, data := splitZeros(p, at)
		p, at = p[zeros:], at+int64(zeros)
		if data == 0 {
			continue
		}
		if _, err := f.WriteAt(p[:data], at); err != nil {
			return err
		}
		p, at = p[data:], at+int64(data)
	}
	return nil
}

// isZero compares up to a block with zeros.
func isZero(p []byte) bool { return bytes.Equal(p, noData[:len(p)]) }

// WriteHole adds n zeros.
func (w *SparseWriter) WriteHole(n int64) error {
	if n < 0 || w.off+n < w.off {
		return fmt.Errorf("volume: hole of %d bytes at %d: %w", n, w.off, ErrPastEnd)
	}
	if n > 0 {
		w.off += n
		w.done = false
	}
	return nil
}

// Finish makes the file as long as what was written, which a hole at the end
// does not do by itself.
func (w *SparseWriter) Finish() error {
	if w.done {
		return nil
	}
	w.done = true
	return w.f.Truncate(w.off)
}
