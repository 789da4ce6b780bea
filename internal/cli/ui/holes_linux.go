package ui

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// nextData finds the first run of data of a sparse file at or after off. The file
// position moves; nobody else uses it.
func nextData(f *os.File, off int64) (start, end int64, err error) {
	if start, err = f.Seek(off, unix.SEEK_DATA); err != nil {
		if errors.Is(err, unix.ENXIO) {
			return 0, 0, io.EOF // only a hole follows
		}
		return 0, 0, err
	}
	end, err = f.Seek(start, unix.SEEK_HOLE)
	return start, end, err
}
