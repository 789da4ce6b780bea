package volume

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// exclusive is added to the flags of a block device that is opened for
// writing: open(2) then fails with EBUSY when the system uses the device.
const exclusive = os.O_EXCL

// fileExtents walks the data of a file with lseek(2). The position of the file
// is of no use to anybody else: reads and writes name theirs.
func fileExtents(f *os.File, off, length int64) ([]Extent, error) {
	var list []Extent
	for end := off + length; off < end; {
		data, err := f.Seek(off, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO): // no data from here to the end
			return list, nil
		case errors.Is(err, unix.EINVAL): // a file system that does not know
			return append(list, Extent{off, end - off}), nil
		case err != nil:
			return nil, err
		case data >= end:
			return list, nil
		}
		hole, err := f.Seek(data, unix.SEEK_HOLE)
		if err != nil {
			return nil, err
		}
		hole = min(hole, end)
		if hole <= data { // the file changes under us: call the rest data
			return append(list, Extent{data, end - data}), nil
		}
		list = append(list, Extent{data, hole - data})
		off = hole
	}
	return list, nil
}

// punchHole frees a range of a file or block device; it reads as zeros then.
func punchHole(f *os.File, off, length int64) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	err = raw.Control(func(fd uintptr) {
		done = unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, length)
	})
	switch {
	case err != nil:
		return err
	case errors.Is(done, unix.EOPNOTSUPP):
		return fmt.Errorf("volume: discard on %q: %w: %w", f.Name(), ErrUnsupported, done)
	case done != nil:
		return fmt.Errorf("volume: discard on %q: %w", f.Name(), done)
	}
	return nil
}
