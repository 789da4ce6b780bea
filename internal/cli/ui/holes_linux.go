package ui

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// statBlock is the unit in which stat(2) counts what a file takes.
const statBlock = 512

// nextData finds the first run of data of a sparse file at or after off. The file
// position moves; nobody else uses it. A file that takes as much room as it is long is
// not asked: to find that there is no hole, a file system may go through all its pages.
func nextData(f *os.File, off int64) (start, end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && off < info.Size() && s.Blocks >= (info.Size()+statBlock-1)/statBlock {
		return off, info.Size(), nil
	}
	if start, err = f.Seek(off, unix.SEEK_DATA); err != nil {
		if errors.Is(err, unix.ENXIO) {
			return 0, 0, io.EOF // only a hole follows
		}
		return 0, 0, err
	}
	end, err = f.Seek(start, unix.SEEK_HOLE)
	return start, end, err
}
