package cli

import (
	"errors"
	"io"
)

// paddedReader reads r, and then zeros as long as there are fewer than size bytes.
type paddedReader struct {
	r     io.Reader
	size  int64 // 0: nothing is added
	had   int64 // bytes of r
	zeros int64 // bytes added
	ended bool  // r has
}

// Read follows io.Reader.
func (z *paddedReader) Read(p []byte) (n int, err error) {
	if !z.ended {
		n, err = z.r.Read(p)
		z.had += int64(n)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		z.ended = true
	}
	pad := min(int64(len(p)-n), z.size-z.had-z.zeros)
	if pad <= 0 {
		return n, io.EOF
	}
	clear(p[n : n+int(pad)])
	z.zeros += pad
	return n + int(pad), nil
}
