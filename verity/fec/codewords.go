package fec

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
)

// readParity reads the stored parity of columns [column, column+n).
func (w *window) readParity(parity io.ReaderAt, off, column int64, n int) error {
	if w.stored == nil {
		w.stored = make([]byte, len(w.parity))
	}
	return w.params.readParity(parity, w.stored[:n*w.params.Roots], off, column)
}

// readParity fills dst with the parity of codewords from column on.
func (p Params) readParity(parity io.ReaderAt, dst []byte, off, column int64) error {
	at := off + column*int64(p.Roots)
	if got, err := parity.ReadAt(dst, at); got < len(dst) {
		return fmt.Errorf("fec: reading %d bytes of parity at offset %d: %w", len(dst), at, earlyEnd(err))
	}
	return nil
}

// compare reads the stored parity of columns [column, column+n), which encode
// was called for, and reports whether it is the same.
func (s *strip) compare(parity io.ReaderAt, off, column int64, n int) (same bool, err error) {
	if s.stored == nil {
		s.stored = make([]byte, len(s.parity))
	}
	size := n * s.params.Roots
	if err := s.params.readParity(parity, s.stored[:size], off, column); err != nil {
		return false, err
	}
	return bytes.Equal(s.parity[:size], s.stored[:size]), nil
}

// compare computes the parity of the n columns of the window and adds the
// stored parity to it, so that the parity shards, and difference, are zero
// where the two agree. same says that they do everywhere.
func (w *window) compare(n int) (same bool, err error) {
	if err := w.encode(); err != nil {
		return false, err
	}
	size := n * w.params.Roots
	interleave(w.parity[:size], w.shards[w.params.Shards():])
	same = bytes.Equal(w.parity[:size], w.stored[:size])
	if same {
		clear(w.parity[:size])
		for _, shard := range w.shards[w.params.Shards():] {
			clear(shard)
		}
		return true, nil
	}
	subtle.XORBytes(w.parity[:size], w.parity[:size], w.stored[:size])
	addInterleaved(w.shards[w.params.Shards():], w.stored)
	return false, nil
}

// difference returns the difference of the codeword in column c of the window.
func (w *window) difference(c int) []byte {
	return w.parity[c*w.params.Roots:][:w.params.Roots]
}
