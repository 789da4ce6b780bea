package volume

import (
	"errors"
	"io"
	"math/bits"
)

// transfer moves all of p from or to r, or says why not: fewer bytes come with
// an error, and an end inside r, where there should be none, is
// io.ErrUnexpectedEOF. It is the one place that tidies up what backends answer.
func transfer(r Engine, p []byte, off int64, write bool) (int, error) {
	var n int
	var err error
	if write {
		n, err = r.WriteAt(p, off)
	} else {
		n, err = r.ReadAt(p, off)
	}
	n = max(0, min(n, len(p)))
	switch {
	case n == len(p) && (err == nil || !write && errors.Is(err, io.EOF)):
		return n, nil
	case err == nil && write:
		return n, io.ErrShortWrite
	case err == nil || errors.Is(err, io.EOF): // the device has shrunk since it was opened
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// upTo returns the first n bytes of p, or all if it has fewer.
func upTo(p []byte, n int64) []byte {
	if int64(len(p)) > n {
		return p[:n]
	}
	return p
}

// mulAdd returns a*b + c, and whether it fits: the one place where sizes from
// a table are multiplied.
func mulAdd(a, b, c uint64) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	sum, carry := bits.Add64(lo, c, 0)
	return sum, hi == 0 && carry == 0
}
