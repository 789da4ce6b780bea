package difftest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/volume"
)

// direct is a block device that is read and written past the page cache.
type direct struct {
	file *os.File
	unit int    // logical block size in bytes
	buf  []byte // aligned memory
}

// maxTransfer is the longest single request.
const maxTransfer = 64 * kib

func openDirect(path string, flag int) (*direct, error) {
	f, err := os.OpenFile(path, flag|syscall.O_DIRECT, 0)
	if err != nil {
		return nil, err
	}
	unit, err := unix.IoctlGetInt(int(f.Fd()), unix.BLKSSZGET)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	buf, err := unix.Mmap(-1, 0, maxTransfer, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &direct{file: f, unit: unit, buf: buf}, nil
}

func (d *direct) Close() error { return errors.Join(unix.Munmap(d.buf), d.file.Close()) }

// read reads size bytes. What the kernel cannot read is zeros, and in the list.
func (d *direct) read(size int64) (content []byte, unreadable []volume.Extent, err error) {
	content = make([]byte, size)
	for off := int64(0); off < size; {
		n := min(size-off, maxTransfer)
		if err := d.readPart(content[off:off+n], off); err == nil {
			off += n
			continue
		}
		for end := off + n; off < end; {
			unit := min(int64(d.unit), end-off)
			switch err := d.readPart(content[off:off+unit], off); {
			case failsThere(err):
				clear(content[off : off+unit])
				unreadable = appendExtent(unreadable, volume.Extent{Offset: off, Length: unit})
			case err != nil:
				return nil, nil, err
			}
			off += unit
		}
	}
	return content, unreadable, nil
}

func (d *direct) readPart(p []byte, off int64) error {
	n, err := unix.Pread(int(d.file.Fd()), d.buf[:len(p)], off)
	if err != nil {
		return fmt.Errorf("reading %d bytes at %d: %w", len(p), off, err)
	}
	if n != len(p) {
		return fmt.Errorf("reading %d bytes at %d: %d came", len(p), off, n)
	}
	copy(p, d.buf)
	return nil
}

// write writes pieces and returns those that failed.
func (d *direct) write(list []piece) (failed []volume.Extent, err error) {
	for _, p := range list {
		copy(d.buf, p.content)
		n, err := unix.Pwrite(int(d.file.Fd()), d.buf[:len(p.content)], p.off)
		switch {
		case failsThere(err):
			failed = append(failed, p.extent())
		case err != nil || n != len(p.content):
			return nil, fmt.Errorf("writing %d bytes at %d: %d written: %w", len(p.content), p.off, n, err)
		}
	}
	if err := d.file.Sync(); err != nil && len(failed) == 0 {
		return nil, err
	}
	return failed, nil
}

// failsThere reports whether an error is of the place, not of the request.
func failsThere(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EILSEQ) || errors.Is(err, unix.ENODATA)
}

// appendExtent adds an extent to a list in order, merged with the last one.
func appendExtent(list []volume.Extent, e volume.Extent) []volume.Extent {
	if i := len(list) - 1; i >= 0 && list[i].Offset+list[i].Length == e.Offset {
		list[i].Length += e.Length
		return list
	}
	return append(list, e)
}

// piece is something to write.
type piece struct {
	off     int64
	content []byte
}

func (p piece) extent() volume.Extent {
	return volume.Extent{Offset: p.off, Length: int64(len(p.content))}
}

// pieces are what is written to a device of this size: the first and the last unit, a
// long run, and some of random place and length.
func pieces(seed uint64, size, unit int64) []piece {
	places := rand.New(rand.NewPCG(size2seed(size), uint64(unit)))
	units := size / unit
	list := []piece{{off: 0, content: make([]byte, unit)}, {off: (units - 1) * unit, content: make([]byte, unit)}}
	if long := min(units*2/3, maxTransfer/unit); long > 0 {
		list = append(list, piece{off: (units - long) / 2 * unit, content: make([]byte, long*unit)})
	}
	for range 8 {
		first := places.Int64N(units)
		n := 1 + places.Int64N(min(units-first, maxTransfer/unit/4+1))
		list = append(list, piece{off: first * unit, content: make([]byte, n*unit)})
	}
	for i, p := range list {
		fillNoise(p.content, fmt.Sprintf("piece %d of pattern %d", i, seed))
	}
	return list
}

// size2seed lets the places of pieces depend on the device only: both sides write to the
// same ones, each with its own content.
func size2seed(size int64) uint64 { return uint64(size) }

// model is what content becomes by writing pieces, and which bytes are sure: not those
// that a failed write may have reached.
func model(content []byte, list []piece, failed []volume.Extent) (want []byte, sure []bool) {
	want, sure = bytes.Clone(content), make([]bool, len(content))
	for i := range sure {
		sure[i] = true
	}
	for _, p := range list {
		lost := slices.Contains(failed, p.extent())
		for i := range p.content {
			want[p.off+int64(i)], sure[p.off+int64(i)] = p.content[i], !lost
		}
	}
	return want, sure
}
